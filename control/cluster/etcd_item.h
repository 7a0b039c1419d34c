// What etcd tells of its keys.
#pragma once

#include <cstdint>
#include <string>

namespace tombolo::control {

// One key as it is now.
struct EtcdItem {
  std::string key;
  std::string value;
  int64_t create_revision = 0;
  int64_t mod_revision = 0;
};

// What a watch tells: an item that was put, or the key of one that is gone.
struct EtcdChange {
  bool is_gone = false;
  EtcdItem item;
};

}  // namespace tombolo::control

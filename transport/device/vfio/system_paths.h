// Where the kernel shows devices. Tests give a tree of their own.
#pragma once

#include <string>

namespace tombolo {

struct SystemPaths {
  std::string sys = "/sys";
  std::string dev = "/dev";
};

}  // namespace tombolo

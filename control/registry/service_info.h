// What is told of services: their records, who writes them, and what changes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/registry/service_table.h"

namespace tombolo::control {

struct ServiceInfo {
  ServiceEntry entry;
  uint32_t writer_slot = 0;  // As the name, only where the entry has a writer.
  std::string writer_name = {};

  friend bool operator==(const ServiceInfo&, const ServiceInfo&) = default;
};

struct ServiceList {
  std::vector<ServiceInfo> services;  // By index.
  std::string region_uuid;
  uint64_t revision = 0;  // Of the last ServiceEvent that it includes.
};

// One change. Revisions are counted by who tells them (control/service/service_log.h).
struct ServiceEvent {
  enum class Kind { kAppeared, kChanged, kGone };

  uint64_t revision = 0;
  Kind kind = Kind::kAppeared;
  ServiceInfo service;  // After the change; of one that is gone, before it.

  friend bool operator==(const ServiceEvent&, const ServiceEvent&) = default;
};

}  // namespace tombolo::control

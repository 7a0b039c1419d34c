// What is told of a service: its record, and who writes it.
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
};

}  // namespace tombolo::control

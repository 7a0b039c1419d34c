// What the kernel tells of this process, for those who watch it.
#pragma once

#include <cstdint>

namespace tombolo::control {

struct ProcessStats {
  double cpu_seconds = 0;       // User and system.
  uint64_t resident_bytes = 0;  // With the pages of the region that the daemon has touched.
  uint64_t open_descriptors = 0;
  uint64_t max_descriptors = 0;
};

// 0 for what cannot be learnt. Any thread.
ProcessStats ReadProcessStats();

}  // namespace tombolo::control

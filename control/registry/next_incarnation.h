// The rule by which incarnations count.
#pragma once

#include <cstdint>

namespace tombolo::control {

// From 1 upwards; 0 means "never occupied", so the 32-bit counter leaves it out when it wraps.
constexpr uint32_t NextIncarnation(uint32_t last) {
  const uint32_t next = last + 1;
  return next == 0 ? 1 : next;
}

}  // namespace tombolo::control

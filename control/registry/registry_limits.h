// How many of each a registry may have.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tombolo::control {

struct RegistryLimits {
  uint32_t slots = 16;           // Slot 0, the host's, included.
  uint32_t vectors = 16;         // Per slot.
  uint32_t endpoints = 1024;     // In the whole region.
  uint32_t services = 64;        // In the whole region.
  uint32_t guest_services = 16;  // Of those, that the endpoints of one VM may make.
  size_t history_events = 4096;  // That EventsSince() can go back.
};

}  // namespace tombolo::control

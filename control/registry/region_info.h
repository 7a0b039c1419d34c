// What can be told about a region without looking into it.
#pragma once

#include <cstdint>
#include <string>

namespace tombolo::control {

struct RegionInfo {
  std::string uuid;  // In text, as in "1b4e28ba-2fa1-41d2-883f-0016d3cca427".
  uint64_t size_bytes = 0;
  uint32_t slots = 0;      // Slot 0, the host's, included.
  uint32_t vectors = 0;    // Per slot.
  uint32_t endpoints = 0;  // That can be attached at once.
  uint32_t layout_version = 0;
  uint64_t membership_epoch = 0;  // The revision of the latest change of membership.
  uint64_t free_bytes = 0;        // That nobody owns.

  friend bool operator==(const RegionInfo&, const RegionInfo&) = default;
};

}  // namespace tombolo::control

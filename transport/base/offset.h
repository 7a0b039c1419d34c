// Offset: a place in the region, in bytes from its base. The only way to name a place there,
// because every process maps the region at another address. A type of its own, so that it is never
// mixed up with a position (which only grows) or an index (which wraps).
#pragma once

#include <compare>
#include <cstdint>

namespace tombolo {

struct Offset {
  uint64_t bytes = 0;

  friend constexpr auto operator<=>(Offset, Offset) = default;
  friend constexpr Offset operator+(Offset offset, uint64_t bytes) {
    return Offset{offset.bytes + bytes};
  }
};

// Whether [offset, offset + size) lies within `limit_bytes`. Written so that no sum can wrap, since
// both numbers may come from a hostile peer.
constexpr bool FitsWithin(Offset offset, uint64_t size_bytes, uint64_t limit_bytes) {
  return offset.bytes <= limit_bytes && size_bytes <= limit_bytes - offset.bytes;
}

}  // namespace tombolo

// Where the parts of a region lie: a pure function of its size and limits, so that whoever attaches
// can check every offset in the header against its own computation.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/base/offset.h"

namespace tombolo {

// QEMU's slow path masks the vector to 8 bits; eventfds of 256 slots are what one process can hold.
inline constexpr uint32_t kMinSlots = 2;
inline constexpr uint32_t kMaxSlots = 256;
inline constexpr uint32_t kMinVectors = 2;
inline constexpr uint32_t kMaxVectors = 256;
inline constexpr uint32_t kEndpointCountStep =
    64;  // So that a row of an inbox is whole cache lines.
inline constexpr uint32_t kMinEndpoints = 64;
inline constexpr uint32_t kMaxEndpoints = 16384;
inline constexpr uint64_t kMinRegionBytes = uint64_t{1} << 20;
inline constexpr uint64_t kMaxRegionBytes = uint64_t{1} << 40;

struct RegionLimits {
  uint64_t region_bytes = uint64_t{256} << 20;  // A power of two: PCI asks for it.
  uint32_t slot_count = 16;
  uint32_t vector_count = 16;
  uint32_t endpoint_count = 1024;
};

struct Geometry {
  Offset slot_records;
  Offset endpoint_records;
  Offset service_records;
  Offset endpoint_lines;
  Offset control_areas;
  Offset counters;
  Offset inboxes;
  Offset extent_map;
  Offset extents;
  uint32_t extent_count = 0;
};

// Each limit by itself, also as a number that RegionLimits could not hold. InvalidArgument says
// what was seen and what was expected.
absl::Status CheckRegionBytes(uint64_t region_bytes);
absl::Status CheckSlotCount(uint64_t slot_count);
absl::Status CheckVectorCount(uint64_t vector_count);
absl::Status CheckEndpointCount(uint64_t endpoint_count);

// InvalidArgument names the first limit that is out of range, as the checks above do; a region in
// which less than half of the bytes would be left for extents is refused too.
absl::StatusOr<Geometry> ComputeGeometry(const RegionLimits& limits);

}  // namespace tombolo

#include "transport/region/geometry.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"
#include "transport/base/units.h"
#include "transport/layout/control_area.h"
#include "transport/layout/counters.h"
#include "transport/layout/endpoint_line.h"
#include "transport/layout/member_table.h"
#include "transport/layout/region_header.h"
#include "transport/layout/service_record.h"

namespace tombolo {
namespace {

absl::Status CheckRange(const char* what, uint64_t seen, uint64_t least, uint64_t most) {
  if (seen >= least && seen <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the number of ", what, " is ", seen,
                                                 "; it must be ", least, " to ", most, "."));
}

absl::Status CheckLimits(const RegionLimits& limits) {
  absl::Status status = CheckRegionBytes(limits.region_bytes);
  status.Update(CheckSlotCount(limits.slot_count));
  status.Update(CheckVectorCount(limits.vector_count));
  status.Update(CheckEndpointCount(limits.endpoint_count));
  return status;
}

// Hands out consecutive parts, each aligned to whole extents.
class Layouter {
 public:
  explicit Layouter(uint64_t header_bytes) { Take(header_bytes); }

  Offset Take(uint64_t size_bytes) {
    const Offset start = next_;
    next_.bytes += (size_bytes + kExtentBytes - 1) / kExtentBytes * kExtentBytes;
    return start;
  }
  Offset Next() const { return next_; }

 private:
  Offset next_;
};

}  // namespace

absl::Status CheckRegionBytes(uint64_t region_bytes) {
  if (std::has_single_bit(region_bytes) && region_bytes >= kMinRegionBytes &&
      region_bytes <= kMaxRegionBytes) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "the region's size is ", region_bytes, " bytes; PCI asks for a power of two, here from ",
      kMinRegionBytes, " to ", kMaxRegionBytes, ": for example ",
      std::bit_ceil(std::clamp(region_bytes, kMinRegionBytes, kMaxRegionBytes)), "."));
}

absl::Status CheckSlotCount(uint64_t slot_count) {
  return CheckRange("slots", slot_count, kMinSlots, kMaxSlots);
}

absl::Status CheckVectorCount(uint64_t vector_count) {
  return CheckRange("vectors", vector_count, kMinVectors, kMaxVectors);
}

absl::Status CheckEndpointCount(uint64_t endpoint_count) {
  if (endpoint_count % kEndpointCountStep == 0) {
    return CheckRange("endpoints", endpoint_count, kMinEndpoints, kMaxEndpoints);
  }
  return absl::InvalidArgumentError(absl::StrCat("the number of endpoints is ", endpoint_count,
                                                 "; it must be a multiple of ", kEndpointCountStep,
                                                 "."));
}

absl::StatusOr<Geometry> ComputeGeometry(const RegionLimits& limits) {
  if (absl::Status status = CheckLimits(limits); !status.ok()) return status;
  const uint64_t endpoints = limits.endpoint_count;
  const uint64_t most_extents = limits.region_bytes / kExtentBytes;
  Layouter layouter(sizeof(RegionHeader));
  Geometry geometry;
  geometry.slot_records = layouter.Take(limits.slot_count * sizeof(SlotRecord));
  geometry.endpoint_records = layouter.Take(endpoints * sizeof(EndpointRecord));
  geometry.service_records = layouter.Take(kServiceCount * sizeof(ServiceRecord));
  geometry.endpoint_lines = layouter.Take(endpoints * sizeof(EndpointLine));
  geometry.control_areas = layouter.Take(limits.slot_count * sizeof(ControlArea));
  geometry.counters = layouter.Take(endpoints * sizeof(EndpointCounters));
  geometry.inboxes = layouter.Take(endpoints * endpoints);
  geometry.extent_map = layouter.Take(most_extents * sizeof(uint64_t));
  geometry.extents = layouter.Next();
  if (geometry.extents.bytes > limits.region_bytes / 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("a region of ", limits.region_bytes, " bytes is too small for ",
                     limits.slot_count, " slots and ", endpoints, " endpoints, whose tables take ",
                     geometry.extents.bytes, " bytes; make it larger, or allow fewer endpoints."));
  }
  geometry.extent_count =
      static_cast<uint32_t>((limits.region_bytes - geometry.extents.bytes) / kExtentBytes);
  return geometry;
}

}  // namespace tombolo

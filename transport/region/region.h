// Region: typed access to the parts of a mapped region whose header has been checked.
//
// It is a view: it owns nothing, and the mapping must outlive it. Copies are cheap. Thread safety:
// the parts are made of atomics; who may write which is in transport/layout.
//
// What it assumes of peers: nothing. Sizes and offsets are computed here and only compared with the
// header, so a peer that scribbles over the header later changes nothing for us.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/base/memory_type.h"
#include "transport/base/offset.h"
#include "transport/layout/control_area.h"
#include "transport/layout/counters.h"
#include "transport/layout/endpoint_line.h"
#include "transport/layout/inbox.h"
#include "transport/layout/member_table.h"
#include "transport/layout/region_header.h"
#include "transport/layout/service_record.h"
#include "transport/layout/shared_word.h"
#include "transport/region/geometry.h"

namespace tombolo {

using RegionUuid = std::array<uint8_t, 16>;

struct CacheSizes {
  uint32_t l1d_bytes = 0;
  uint32_t l2_bytes = 0;
  uint32_t l3_bytes = 0;
};

// This machine's cache sizes as sysfs tells them; 0 where it does not.
CacheSizes HostCacheSizes();

class Region {
 public:
  // Writes header and tables of a new region into `memory`, which must be zeroed and as large as
  // limits.region_bytes. For the daemon only.
  static absl::StatusOr<Region> Format(std::span<std::byte> memory, const RegionLimits& limits,
                                       const RegionUuid& uuid, const CacheSizes& caches);

  // Checks every field of the header in `memory`. FailedPrecondition says which one was seen, what
  // was expected and what to do.
  // `type`: of the mapping, for those who copy (region_copy.h).
  static absl::StatusOr<Region> Attach(std::span<std::byte> memory,
                                       MemoryType type = MemoryType::kWriteBack);

  const RegionLimits& Limits() const { return limits_; }
  const Geometry& Parts() const { return geometry_; }
  const RegionUuid& Uuid() const { return uuid_; }
  const CacheSizes& Caches() const { return caches_; }
  MemoryType Type() const { return type_; }

  SharedU64& MembershipEpoch() const { return At<RegionHeader>(Offset{0})->membership_epoch; }
  SharedU32& EndpointHighWater() const { return At<RegionHeader>(Offset{0})->endpoint_high_water; }

  // Indices must be below the limits, those of services below kServiceCount.
  SlotRecord& Slot(uint32_t slot) const { return At<SlotRecord>(geometry_.slot_records)[slot]; }
  EndpointRecord& Endpoint(uint32_t index) const {
    return At<EndpointRecord>(geometry_.endpoint_records)[index];
  }
  ServiceRecord& Service(uint32_t service) const {
    return At<ServiceRecord>(geometry_.service_records)[service];
  }
  EndpointLine& Line(uint32_t index) const {
    return At<EndpointLine>(geometry_.endpoint_lines)[index];
  }
  ControlArea& Control(uint32_t slot) const {
    return At<ControlArea>(geometry_.control_areas)[slot];
  }
  EndpointCounters& Counters(uint32_t index) const {
    return At<EndpointCounters>(geometry_.counters)[index];
  }
  SharedU8& InboxByte(uint32_t receiver, uint32_t sender) const {
    return At<SharedU8>(
        geometry_.inboxes)[InboxByteIndex(receiver, sender, limits_.endpoint_count)];
  }
  // The row of `receiver`, eight senders to a word.
  // SUBTLE: senders store bytes, the receiver loads whole words of them. The processors that we run
  // on keep mixed sizes coherent, and the receiver needs no order between bytes: what a byte
  // announces is ordered by the link's own words.
  std::span<SharedU64> InboxRow(uint32_t receiver) const {
    const uint64_t words = limits_.endpoint_count / sizeof(uint64_t);
    return {At<SharedU64>(geometry_.inboxes) + receiver * words, words};
  }
  std::span<SharedU64> ExtentMap() const {
    return {At<SharedU64>(geometry_.extent_map), geometry_.extent_count};
  }

  // The first byte of an extent.
  std::byte* Extent(uint32_t extent) const { return memory_.data() + ExtentOffset(extent).bytes; }
  Offset ExtentOffset(uint32_t extent) const {
    return geometry_.extents + uint64_t{extent} * kExtentBytes;
  }

  // The bytes [offset, offset + size), or an empty span when they are not wholly within the
  // extents.
  std::span<std::byte> Bytes(Offset offset, uint64_t size_bytes) const;

 private:
  Region(std::span<std::byte> memory, const RegionLimits& limits, const Geometry& geometry);

  // SAFETY: ComputeGeometry aligns parts to extents and keeps them within region_bytes, which
  // Attach and Format compared with the mapping; its base is page-aligned.
  template <typename T>
  T* At(Offset part) const {
    return reinterpret_cast<T*>(memory_.data() + part.bytes);
  }

  std::span<std::byte> memory_;
  RegionLimits limits_;
  Geometry geometry_;
  RegionUuid uuid_{};
  CacheSizes caches_;
  MemoryType type_ = MemoryType::kWriteBack;
};

}  // namespace tombolo

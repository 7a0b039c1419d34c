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

  SharedU64& MembershipEpoch() const;
  SharedU32& EndpointHighWater() const;

  // Indices must be below the limits, those of services below kServiceCount.
  SlotRecord& Slot(uint32_t slot) const;
  EndpointRecord& Endpoint(uint32_t index) const;
  ServiceRecord& Service(uint32_t service) const;
  EndpointLine& Line(uint32_t index) const;
  ControlArea& Control(uint32_t slot) const;
  EndpointCounters& Counters(uint32_t index) const;
  SharedU8& InboxByte(uint32_t receiver, uint32_t sender) const;
  // The row of `receiver`, eight senders to a word.
  std::span<SharedU64> InboxRow(uint32_t receiver) const;
  std::span<SharedU64> ExtentMap() const;

  // The first byte of an extent.
  std::byte* Extent(uint32_t extent) const;
  Offset ExtentOffset(uint32_t extent) const;

  // The bytes [offset, offset + size), or an empty span when they are not wholly within the
  // extents.
  std::span<std::byte> Bytes(Offset offset, uint64_t size_bytes) const;

 private:
  Region(std::span<std::byte> memory, const RegionLimits& limits, const Geometry& geometry);

  template <typename T>
  T* At(Offset part) const;

  std::span<std::byte> memory_;
  RegionLimits limits_;
  Geometry geometry_;
  RegionUuid uuid_{};
  CacheSizes caches_;
  MemoryType type_ = MemoryType::kWriteBack;
};

}  // namespace tombolo

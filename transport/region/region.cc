#include "transport/region/region.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string>

#include "absl/strings/str_cat.h"

namespace tombolo {
namespace {

uint32_t SysconfBytes(int name) { return static_cast<uint32_t>(std::max(0L, sysconf(name))); }

constexpr char kDamaged[] =
    " Either this is no Tombolo region, or somebody wrote over it: restart tombolod and the "
    "virtual "
    "machines of this region.";

// Also names what the expected value was computed from: one of those may be what is wrong.
absl::Status Differs(const char* field, uint64_t seen, uint64_t expected,
                     const RegionLimits& limits) {
  return absl::FailedPreconditionError(
      absl::StrCat("the region's header says ", field, " = ", seen, ", expected ", expected,
                   " for ", limits.slot_count, " slots, ", limits.endpoint_count, " endpoints and ",
                   limits.region_bytes, " bytes.", kDamaged));
}

// Relaxed: ordered by `magic`, which was loaded before; once, into what the caller then checks.
uint32_t Load(const SharedU32& word) { return word.load(std::memory_order_relaxed); }
uint64_t Load(const SharedU64& word) { return word.load(std::memory_order_relaxed); }

// Relaxed: ordered by `magic`, which is stored after.
template <typename T>
void Store(SharedWord<T>& word, T value) {
  word.store(value, std::memory_order_relaxed);
}

absl::Status CheckMagic(const RegionHeader& header) {
  // Acquire: pairs with the release store in Region::Format, so the rest of the header is there.
  const uint64_t magic = header.magic.load(std::memory_order_acquire);
  if (magic != kRegionMagic) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the shared memory starts with 0x", absl::Hex(magic), ", a Tombolo region with 0x",
        absl::Hex(kRegionMagic), ". Is this device served by tombolod, and is it the right one?"));
  }
  const uint32_t version = Load(header.layout_version);
  if (version != kLayoutVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the region has layout version ", version, ", this program knows version ", kLayoutVersion,
        ". Install the same release of Tombolo on the host and in its guests."));
  }
  return absl::OkStatus();
}

absl::Status CheckOffsets(const RegionHeader& header, const RegionLimits& limits,
                          const Geometry& expected) {
  const struct {
    const char* field;
    uint64_t seen, expected;
  } checks[] = {
      {"header_bytes", Load(header.header_bytes), sizeof(RegionHeader)},
      {"extent_count", Load(header.extent_count), expected.extent_count},
      {"slot_records_offset", Load(header.slot_records_offset), expected.slot_records.bytes},
      {"endpoint_records_offset", Load(header.endpoint_records_offset),
       expected.endpoint_records.bytes},
      {"service_records_offset", Load(header.service_records_offset),
       expected.service_records.bytes},
      {"endpoint_lines_offset", Load(header.endpoint_lines_offset), expected.endpoint_lines.bytes},
      {"control_areas_offset", Load(header.control_areas_offset), expected.control_areas.bytes},
      {"counters_offset", Load(header.counters_offset), expected.counters.bytes},
      {"inboxes_offset", Load(header.inboxes_offset), expected.inboxes.bytes},
      {"extent_map_offset", Load(header.extent_map_offset), expected.extent_map.bytes},
      {"extents_offset", Load(header.extents_offset), expected.extents.bytes},
  };
  for (const auto& check : checks) {
    if (check.seen != check.expected) {
      return Differs(check.field, check.seen, check.expected, limits);
    }
  }
  return absl::OkStatus();
}

}  // namespace

CacheSizes HostCacheSizes() {
  return CacheSizes{.l1d_bytes = SysconfBytes(_SC_LEVEL1_DCACHE_SIZE),
                    .l2_bytes = SysconfBytes(_SC_LEVEL2_CACHE_SIZE),
                    .l3_bytes = SysconfBytes(_SC_LEVEL3_CACHE_SIZE)};
}

Region::Region(std::span<std::byte> memory, const RegionLimits& limits, const Geometry& geometry)
    : memory_(memory), limits_(limits), geometry_(geometry) {}

absl::StatusOr<Region> Region::Format(std::span<std::byte> memory, const RegionLimits& limits,
                                      const RegionUuid& uuid, const CacheSizes& caches) {
  absl::StatusOr<Geometry> geometry = ComputeGeometry(limits);
  if (!geometry.ok()) return geometry.status();
  if (memory.size() != limits.region_bytes) {
    return absl::InvalidArgumentError(absl::StrCat("a mapping of ", memory.size(),
                                                   " bytes for a region of ", limits.region_bytes));
  }
  Region region(memory, limits, *geometry);
  region.uuid_ = uuid;
  region.caches_ = caches;
  auto* header = region.At<RegionHeader>(Offset{0});
  Store(header->layout_version, kLayoutVersion);
  Store(header->header_bytes, uint32_t{sizeof(RegionHeader)});
  Store(header->region_bytes, limits.region_bytes);
  const auto words = std::bit_cast<std::array<uint64_t, 2>>(uuid);
  Store(header->uuid[0], words[0]);
  Store(header->uuid[1], words[1]);
  Store(header->slot_count, limits.slot_count);
  Store(header->vector_count, limits.vector_count);
  Store(header->endpoint_count, limits.endpoint_count);
  Store(header->extent_count, geometry->extent_count);
  Store(header->slot_records_offset, geometry->slot_records.bytes);
  Store(header->endpoint_records_offset, geometry->endpoint_records.bytes);
  Store(header->service_records_offset, geometry->service_records.bytes);
  Store(header->endpoint_lines_offset, geometry->endpoint_lines.bytes);
  Store(header->control_areas_offset, geometry->control_areas.bytes);
  Store(header->counters_offset, geometry->counters.bytes);
  Store(header->inboxes_offset, geometry->inboxes.bytes);
  Store(header->extent_map_offset, geometry->extent_map.bytes);
  Store(header->extents_offset, geometry->extents.bytes);
  Store(header->l1d_bytes, caches.l1d_bytes);
  Store(header->l2_bytes, caches.l2_bytes);
  Store(header->l3_bytes, caches.l3_bytes);
  // Release: pairs with CheckMagic.
  header->magic.store(kRegionMagic, std::memory_order_release);
  return region;
}

absl::StatusOr<Region> Region::Attach(std::span<std::byte> memory, MemoryType type) {
  if (memory.size() < kMinRegionBytes) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the shared memory has ", memory.size(), " bytes; a Tombolo region has at least ",
        kMinRegionBytes, ". Is this the right device?"));
  }
  // SAFETY: the mapping is page-aligned and larger than the header.
  const auto& header = *reinterpret_cast<const RegionHeader*>(memory.data());
  if (absl::Status status = CheckMagic(header); !status.ok()) return status;
  const RegionLimits limits{.region_bytes = Load(header.region_bytes),
                            .slot_count = Load(header.slot_count),
                            .vector_count = Load(header.vector_count),
                            .endpoint_count = Load(header.endpoint_count)};
  if (limits.region_bytes != memory.size()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the region's header says ", limits.region_bytes, " bytes, but ", memory.size(),
        " bytes are mapped: the region was truncated or the wrong device was opened."));
  }
  const absl::StatusOr<Geometry> geometry = ComputeGeometry(limits);
  if (!geometry.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the region's header is damaged: ", geometry.status().message(), kDamaged));
  }
  if (absl::Status status = CheckOffsets(header, limits, *geometry); !status.ok()) return status;
  Region region(memory, limits, *geometry);
  region.uuid_ = std::bit_cast<RegionUuid>(std::array{Load(header.uuid[0]), Load(header.uuid[1])});
  region.caches_ = {Load(header.l1d_bytes), Load(header.l2_bytes), Load(header.l3_bytes)};
  region.type_ = type;
  return region;
}

std::span<std::byte> Region::Bytes(Offset offset, uint64_t size_bytes) const {
  if (offset < geometry_.extents || !FitsWithin(offset, size_bytes, memory_.size())) return {};
  return memory_.subspan(offset.bytes, size_bytes);
}

}  // namespace tombolo

// Region::Attach over a header of which the input says every byte, in mappings of several sizes.
// What is attached is used at its ends, where a wrong limit would lead out of the mapping.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "tests/fuzz/hostile_loads.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"
#include "transport/base/units.h"
#include "transport/layout/region_header.h"
#include "transport/layout/service_record.h"
#include "transport/region/region.h"

namespace tombolo::fuzz {
namespace {

constexpr uint64_t kMostBytes = 4 * kMiB;

// Of exactly `size_bytes`: what lies beyond is poisoned.
std::byte* Pages(uint64_t size_bytes) {
  static std::byte* pages[5] = {};  // Never freed.
  std::byte*& place = pages[size_bytes / kMiB];
  if (place == nullptr) {
    place = static_cast<std::byte*>(std::aligned_alloc(kExtentBytes, size_bytes));
    memset(place, 0, size_bytes);
  }
  return place;
}

constexpr size_t kWordBytes = 8;

// Parts are made of 64-bit words; one at each end shows that they lie in the mapping.
template <typename Part>
void Touch(const Part& part) {
  const auto* words = reinterpret_cast<const SharedU64*>(&part);
  words[0].load(std::memory_order_relaxed);
  words[sizeof(Part) / kWordBytes - 1].load(std::memory_order_relaxed);
}

void UseEnds(const Region& region) {
  const RegionLimits& limits = region.Limits();
  Touch(region.Slot(limits.slot_count - 1));
  Touch(region.Endpoint(limits.endpoint_count - 1));
  Touch(region.Service(kServiceCount - 1));
  Touch(region.Line(limits.endpoint_count - 1));
  Touch(region.Control(limits.slot_count - 1));
  Touch(region.Counters(limits.endpoint_count - 1));
  Touch(region.InboxRow(limits.endpoint_count - 1).back());
  Touch(region.ExtentMap().back());
  const uint32_t last = region.Parts().extent_count - 1;
  memset(region.Extent(last), 0, kExtentBytes);
  const std::span<std::byte> bytes = region.Bytes(region.ExtentOffset(last), kExtentBytes);
  std::ranges::fill(bytes, std::byte{1});
}

}  // namespace

void RunInput(std::span<const uint8_t> bytes) {
  Input input(bytes);
  const uint64_t size_bytes = kMiB << input.Below(3);
  static_assert(kMiB << 2 <= kMostBytes);
  std::byte* pages = Pages(size_bytes);
  const std::span<const uint8_t> header = input.Take(sizeof(RegionHeader));
  memset(pages, 0, sizeof(RegionHeader));
  if (!header.empty()) memcpy(pages, header.data(), header.size());
  const HostileLoads hostile(input);
  const auto region = Region::Attach({pages, size_bytes});
  if (region.ok()) UseEnds(*region);
}

std::vector<Bytes> Seeds() {
  std::vector<Bytes> seeds;
  const RegionLimits all[] = {
      {.region_bytes = kMiB, .slot_count = 2, .vector_count = 2, .endpoint_count = 64},
      {.region_bytes = 2 * kMiB, .slot_count = 16, .vector_count = 16, .endpoint_count = 512},
      {.region_bytes = 4 * kMiB, .slot_count = 16, .vector_count = 256, .endpoint_count = 1024},
  };
  for (size_t size = 0; size < std::size(all); ++size) {
    std::byte* pages = Pages(all[size].region_bytes);
    if (!Region::Format({pages, all[size].region_bytes}, all[size], RegionUuid{1}, {}).ok())
      abort();
    Bytes seed = {static_cast<uint8_t>(size)};
    const auto* header = reinterpret_cast<const uint8_t*>(pages);
    seed.insert(seed.end(), header, header + sizeof(RegionHeader));
    seeds.push_back(seed);
  }
  return seeds;
}

}  // namespace tombolo::fuzz

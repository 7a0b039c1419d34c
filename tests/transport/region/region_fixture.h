// RegionTest: zeroed memory of the smallest region that the limits allow, formatted in SetUp().
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include "gtest/gtest.h"
#include "transport/base/units.h"
#include "transport/region/geometry.h"
#include "transport/region/region.h"

namespace tombolo {

inline constexpr RegionLimits kSmallLimits{
    .region_bytes = kMiB, .slot_count = 4, .vector_count = 4, .endpoint_count = 64};
inline constexpr RegionUuid kSomeUuid = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
inline constexpr CacheSizes kSomeCaches{
    .l1d_bytes = 32 << 10, .l2_bytes = 2 << 20, .l3_bytes = 32 << 20};

class RegionTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto region = Region::Format(Memory(), kSmallLimits, kSomeUuid, kSomeCaches);
    ASSERT_TRUE(region.ok()) << region.status();
  }

  std::span<std::byte> Memory() { return {pages_->bytes, sizeof(Pages)}; }

  template <typename T>
  void Poke(uint64_t offset, T value) {
    memcpy(Memory().data() + offset, &value, sizeof(value));
  }

 private:
  struct alignas(kExtentBytes) Pages {
    std::byte bytes[kSmallLimits.region_bytes];
  };
  std::unique_ptr<Pages> pages_ = std::make_unique<Pages>();
};

}  // namespace tombolo

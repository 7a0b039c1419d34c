// Format, and the typed view of the parts.
#include "transport/region/region.h"

#include <cstring>
#include <optional>
#include <set>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "tests/support/status_text.h"
#include "tests/transport/region/region_fixture.h"
#include "transport/base/offset.h"
#include "transport/base/units.h"
#include "transport/layout/region_header.h"
#include "transport/layout/service_record.h"
#include "transport/layout/shared_word.h"
#include "transport/region/geometry.h"

namespace tombolo {
namespace {

class RegionViewTest : public RegionTest {
 protected:
  void SetUp() override {
    RegionTest::SetUp();
    auto region = Region::Attach(Memory());
    ASSERT_TRUE(region.ok()) << Text(region);
    region_ = *region;
  }

  const Region& View() const { return *region_; }

  uint64_t OffsetOf(const void* place) {
    return static_cast<uint64_t>(static_cast<const std::byte*>(place) - Memory().data());
  }

  std::optional<Region> region_;
};

TEST_F(RegionViewTest, StartsWithTheBytesOfItsMagic) {
  EXPECT_EQ(memcmp(Memory().data(), "\1TOMBOLO", 8), 0);
}

TEST_F(RegionViewTest, TellsWhatItWasFormattedWith) {
  EXPECT_EQ(View().Uuid(), kSomeUuid);
  EXPECT_EQ(View().Limits().region_bytes, kSmallLimits.region_bytes);
  EXPECT_EQ(View().Limits().slot_count, kSmallLimits.slot_count);
  EXPECT_EQ(View().Limits().vector_count, kSmallLimits.vector_count);
  EXPECT_EQ(View().Limits().endpoint_count, kSmallLimits.endpoint_count);
  EXPECT_EQ(View().Caches().l1d_bytes, kSomeCaches.l1d_bytes);
  EXPECT_EQ(View().Caches().l2_bytes, kSomeCaches.l2_bytes);
  EXPECT_EQ(View().Caches().l3_bytes, kSomeCaches.l3_bytes);
}

TEST_F(RegionViewTest, EveryPartIsWhereTheGeometrySays) {
  const Geometry& parts = View().Parts();
  EXPECT_EQ(OffsetOf(&View().MembershipEpoch()), 192u);
  EXPECT_EQ(OffsetOf(&View().EndpointHighWater()), 256u);
  EXPECT_EQ(OffsetOf(&View().Slot(3)), parts.slot_records.bytes + 3 * 64);
  EXPECT_EQ(OffsetOf(&View().Endpoint(5)), parts.endpoint_records.bytes + 5 * 64);
  EXPECT_EQ(OffsetOf(&View().Service(7)), parts.service_records.bytes + 7 * 64);
  EXPECT_EQ(OffsetOf(&View().Line(5)), parts.endpoint_lines.bytes + 5 * 64);
  EXPECT_EQ(OffsetOf(&View().Control(2)), parts.control_areas.bytes + 2 * 12288);
  EXPECT_EQ(OffsetOf(&View().Counters(5)), parts.counters.bytes + 5 * 192);
  EXPECT_EQ(OffsetOf(View().ExtentMap().data()), parts.extent_map.bytes);
  EXPECT_EQ(View().ExtentMap().size(), parts.extent_count);
  EXPECT_EQ(OffsetOf(View().Extent(1)), parts.extents.bytes + 4096);
  EXPECT_EQ(View().ExtentOffset(1), parts.extents + 4096);
}

TEST_F(RegionViewTest, EveryPairOfEndpointsHasAnInboxByteOfItsOwn) {
  std::set<const SharedU8*> seen;
  for (uint32_t receiver = 0; receiver < kSmallLimits.endpoint_count; ++receiver) {
    for (uint32_t sender = 0; sender < kSmallLimits.endpoint_count; ++sender) {
      EXPECT_TRUE(seen.insert(&View().InboxByte(receiver, sender)).second);
    }
  }
}

TEST_F(RegionViewTest, TheRowOfAReceiverHoldsTheBytesOfItsSenders) {
  View().InboxByte(9, 19).store(0xab, std::memory_order_relaxed);
  const auto row = View().InboxRow(9);
  ASSERT_EQ(row.size(), kSmallLimits.endpoint_count / 8);
  EXPECT_EQ(row[19 / 8].load(std::memory_order_relaxed), uint64_t{0xab} << 8 * (19 % 8));
  for (const auto& word : View().InboxRow(8)) EXPECT_EQ(word.load(std::memory_order_relaxed), 0u);
  for (const auto& word : View().InboxRow(10)) EXPECT_EQ(word.load(std::memory_order_relaxed), 0u);
}

TEST_F(RegionViewTest, BytesGivesWhatLiesWithinTheExtents) {
  const Offset first = View().Parts().extents;
  const uint64_t all = View().Parts().extent_count * kExtentBytes;
  EXPECT_EQ(View().Bytes(first, all).data(), View().Extent(0));
  EXPECT_EQ(View().Bytes(first, all).size(), all);
  EXPECT_EQ(View().Bytes(first + (all - 1), 1).size(), 1u);
}

TEST_F(RegionViewTest, BytesOutsideOfTheExtentsAreRefused) {
  const Offset first = View().Parts().extents;
  const uint64_t all = View().Parts().extent_count * kExtentBytes;
  EXPECT_TRUE(View().Bytes(first, all + 1).empty());
  EXPECT_TRUE(View().Bytes(first + all, 1).empty());
  EXPECT_TRUE(View().Bytes(first + 8, UINT64_MAX - 4).empty());
  EXPECT_TRUE(View().Bytes(Offset{UINT64_MAX}, 2).empty());
  EXPECT_TRUE(View().Bytes(Offset{0}, 64).empty());
  EXPECT_TRUE(View().Bytes(Offset{first.bytes - 1}, 64).empty());
}

// What a peer writes over the header later changes nothing for those who are attached.
TEST_F(RegionViewTest, AHeaderThatIsOverwrittenLaterChangesNothing) {
  memset(Memory().data(), 0xff, sizeof(RegionHeader));
  EXPECT_EQ(OffsetOf(&View().Endpoint(5)), View().Parts().endpoint_records.bytes + 5 * 64);
  EXPECT_EQ(View().ExtentMap().size(), View().Parts().extent_count);
  EXPECT_EQ(View().Uuid(), kSomeUuid);
}

TEST_F(RegionViewTest, FormatRefusesAMappingOfAnotherSize) {
  const auto region =
      Region::Format(Memory().first(kMiB / 2), kSmallLimits, kSomeUuid, kSomeCaches);
  EXPECT_TRUE(absl::IsInvalidArgument(region.status())) << Text(region);
}

TEST_F(RegionViewTest, FormatRefusesBadLimits) {
  RegionLimits limits = kSmallLimits;
  limits.slot_count = 1;
  const auto region = Region::Format(Memory(), limits, kSomeUuid, kSomeCaches);
  EXPECT_TRUE(absl::IsInvalidArgument(region.status())) << Text(region);
}

TEST(CacheSizesTest, AreThoseOfThisMachineOrZero) {
  const CacheSizes sizes = HostCacheSizes();
  EXPECT_LE(sizes.l1d_bytes, kMiB);
  EXPECT_LE(sizes.l2_bytes, kGiB);
}

}  // namespace
}  // namespace tombolo

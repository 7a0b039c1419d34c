// Hand-written regions: what is allowed, and each violation.
#include "transport/fsck/check_region.h"

#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/transport/fsck/fsck_fixture.h"

namespace tombolo {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using CheckRegionTest = FsckTest;

TEST_F(CheckRegionTest, AnEmptyRegionIsFreeAndClean) {
  const RegionReport report = Check();
  EXPECT_TRUE(report.IsClean());
  EXPECT_EQ(report.free_extents, report.extent_count);
  EXPECT_THAT(report.owners, IsEmpty());
}

TEST_F(CheckRegionTest, EveryExtentIsInOneClass) {
  PutEndpoint(3, EndpointState::kLive, "alive");
  PutEndpoint(4, EndpointState::kDead);
  PutService(2, "cache", uint64_t{3} << 32 | kIncarnation);
  PutRun(0, 3, 3, ExtentKind::kMemory);
  PutRun(3, 2, 3, ExtentKind::kQuarantine);
  PutRun(10, 4, 4, ExtentKind::kPoolSegment);
  PutRun(20, 5, ServiceOwner(2), ExtentKind::kMemory);
  const RegionReport report = Check();
  EXPECT_THAT(report.violations, IsEmpty());
  EXPECT_EQ(report.owned_extents, 3u);
  EXPECT_EQ(report.quarantine_extents, 6u);
  EXPECT_EQ(report.service_extents, 5u);
  EXPECT_EQ(report.lost_extents, 0u);
}

TEST_F(CheckRegionTest, TellsWhoOwnsWhat) {
  PutEndpoint(3, EndpointState::kLive, "alive");
  PutService(2, "cache", uint64_t{3} << 32 | kIncarnation);
  PutRun(0, 3, 3, ExtentKind::kMemory);
  PutRun(3, 1, 3, ExtentKind::kLink);
  PutRun(20, 5, ServiceOwner(2), ExtentKind::kMemory);
  const RegionReport report = Check();
  ASSERT_EQ(report.owners.size(), 2u);
  const OwnerReport& endpoint = report.owners[0];
  EXPECT_EQ(endpoint.name, "alive");
  EXPECT_EQ(endpoint.standing, OwnerStanding::kLive);
  EXPECT_EQ(endpoint.incarnation, kIncarnation);
  EXPECT_EQ(endpoint.slot, 1);
  EXPECT_EQ(endpoint.pid, 4711u);
  EXPECT_EQ(endpoint.Extents(), 4u);
  EXPECT_EQ(endpoint.extents_by_kind[static_cast<size_t>(ExtentKind::kLink)], 1u);
  const OwnerReport& service = report.owners[1];
  EXPECT_EQ(service.name, "cache");
  EXPECT_EQ(service.standing, OwnerStanding::kService);
  EXPECT_EQ(service.writer, (EndpointId{3, kIncarnation}));
  EXPECT_EQ(service.Extents(), 5u);
}

TEST_F(CheckRegionTest, AClaimThatIsNotFinishedBelongsToItsOwner) {
  PutEndpoint(3, EndpointState::kLive);
  PutEndpoint(4, EndpointState::kDead);
  PutService(0, "cache");
  Put(5, {.state = ExtentState::kTail, .kind = ExtentKind::kMemory, .owner = 3});
  Put(6, {.state = ExtentState::kTail, .kind = ExtentKind::kMemory, .owner = 3});
  Put(8, {.state = ExtentState::kTail, .kind = ExtentKind::kMemory, .owner = 4});
  Put(9, {.state = ExtentState::kTail, .kind = ExtentKind::kMemory, .owner = ServiceOwner(0)});
  const RegionReport report = Check();
  EXPECT_THAT(report.violations, IsEmpty());
  EXPECT_EQ(Find(report, 3)->unfinished_extents, 2u);
  EXPECT_EQ(Find(report, 4)->unfinished_extents, 1u);
  EXPECT_EQ(Find(report, ServiceOwner(0))->unfinished_extents, 1u);
}

TEST_F(CheckRegionTest, MemoryOfAFreeRecordIsALeak) {
  PutRun(10, 3, 5, ExtentKind::kMemory);
  Put(20, {.state = ExtentState::kTail, .kind = ExtentKind::kLink, .owner = 6});
  PutRun(30, 1, ServiceOwner(1), ExtentKind::kMemory);
  const RegionReport report = Check();
  EXPECT_THAT(report.violations,
              ElementsAre(Is(ViolationKind::kLeak, 10, "10 to 12 are owned by endpoint 5"),
                          Is(ViolationKind::kLeak, 20, "20 is owned by endpoint 6"),
                          Is(ViolationKind::kLeak, 30, "service 1")));
  EXPECT_EQ(report.lost_extents, 5u);
}

TEST_F(CheckRegionTest, AnOwnerMustExist) {
  PutRun(10, 1, 64, ExtentKind::kMemory);
  PutRun(11, 1, ServiceOwner(kServiceCount), ExtentKind::kMemory);
  const RegionReport report = Check();
  EXPECT_THAT(report.violations,
              ElementsAre(Is(ViolationKind::kNoSuchOwner, 10, "endpoint 64, who does not exist"),
                          Is(ViolationKind::kNoSuchOwner, 11, "service 64, who does not exist")));
  EXPECT_EQ(report.lost_extents, 2u);
}

TEST_F(CheckRegionTest, StatesAndKindsMustExist) {
  PutEndpoint(3, EndpointState::kLive);
  Put(1, {.state = static_cast<ExtentState>(3)});
  PutRun(2, 2, 3, static_cast<ExtentKind>(6));
  PutRun(5, 1, 3, ExtentKind::kNone);
  const RegionReport report = Check();
  EXPECT_THAT(report.violations, ElementsAre(Is(ViolationKind::kUnknownState, 1, "state 3"),
                                             Is(ViolationKind::kUnknownKind, 2, "kind 6"),
                                             Is(ViolationKind::kUnknownKind, 5, "kind 0")));
  EXPECT_EQ(report.lost_extents, 4u);
}

TEST_F(CheckRegionTest, AFreeWordHoldsItsGenerationOnly) {
  Put(1, {.generation = 99});
  Put(2, {.kind = ExtentKind::kLink, .generation = 99});
  EXPECT_THAT(Check().violations, ElementsAre(Is(ViolationKind::kDirtyFreeWord, 2, "is free")));
}

TEST_F(CheckRegionTest, ARunEndsWithinTheMap) {
  PutEndpoint(3, EndpointState::kLive);
  const uint32_t count = region_->Parts().extent_count;
  PutRun(count - 2, 2, 3, ExtentKind::kMemory);
  EXPECT_TRUE(Check().IsClean());
  Put(count - 2,
      {.state = ExtentState::kHead, .kind = ExtentKind::kMemory, .owner = 3, .length = 3});
  Put(4, {.state = ExtentState::kHead, .kind = ExtentKind::kMemory, .owner = 3, .length = 0});
  EXPECT_THAT(Check().violations,
              ElementsAre(Is(ViolationKind::kOverrun, 4, "a run of 0 extents"),
                          Is(ViolationKind::kOverrun, count - 2, "but 2 are left")));
}

TEST_F(CheckRegionTest, ARunIsWhole) {
  PutEndpoint(3, EndpointState::kLive);
  PutEndpoint(4, EndpointState::kLive);
  PutRun(0, 4, 3, ExtentKind::kMemory);
  Put(2, {});
  PutRun(10, 4, 3, ExtentKind::kMemory);
  PutRun(12, 2, 3, ExtentKind::kMemory);
  PutRun(20, 3, 3, ExtentKind::kMemory);
  Put(22, {.state = ExtentState::kTail, .kind = ExtentKind::kMemory, .owner = 4});
  EXPECT_THAT(Check().violations,
              ElementsAre(Is(ViolationKind::kBrokenRun, 0, "extent 2 is none of its tails"),
                          Is(ViolationKind::kBrokenRun, 10, "extent 12 is none of its tails"),
                          Is(ViolationKind::kBrokenRun, 20, "extent 22 is none of its tails")));
}

TEST_F(CheckRegionTest, MemoryThatIsBeingPutIntoQuarantineIsWhole) {
  PutEndpoint(3, EndpointState::kLive);
  PutRun(0, 3, 3, ExtentKind::kMemory);
  Put(0, {.state = ExtentState::kHead, .kind = ExtentKind::kQuarantine, .owner = 3, .length = 3});
  EXPECT_THAT(Check().violations, IsEmpty());
}

TEST_F(CheckRegionTest, GoodLinksAreClean) {
  PutEndpoint(3, EndpointState::kLive);
  PutDirectory(3, 8);
  PutLink(3, 4, 9);
  PutLink(3, 5, 10);
  PutRun(16, 8, 3, ExtentKind::kPoolSegment);
  EXPECT_THAT(Check().violations, IsEmpty());
}

TEST_F(CheckRegionTest, ADirectoryLiesWithinTheRegionAndIsItsOwners) {
  PutEndpoint(3, EndpointState::kLive);
  PutEndpoint(4, EndpointState::kLive);
  PutRun(8, 1, 3, ExtentKind::kLink);
  region_->Line(3).link_directory.store(uint64_t{1} << 40, std::memory_order_relaxed);
  region_->Line(4).link_directory.store(8 + 1, std::memory_order_relaxed);
  EXPECT_THAT(Check().violations,
              ElementsAre(Is(ViolationKind::kDirectory, 3, "but the region has"),
                          Is(ViolationKind::kDirectory, 4, "no directory of its own")));
}

TEST_F(CheckRegionTest, ALinkIsItsSendersAndSaysSo) {
  PutEndpoint(3, EndpointState::kLive);
  PutDirectory(3, 8);
  PutLink(3, 1, 9).magic.store(1, std::memory_order_relaxed);
  PutLink(3, 2, 10).sender.store(2, std::memory_order_relaxed);
  PutLink(3, 5, 11).sender_incarnation.store(kIncarnation - 1, std::memory_order_relaxed);
  PutLink(3, 6, 12);
  Entry(3, 7).store(12 + 1, std::memory_order_relaxed);
  PutRun(13, 1, 3, ExtentKind::kMemory);
  Entry(3, 20).store(13 + 1, std::memory_order_relaxed);
  Entry(3, 21).store(UINT32_MAX, std::memory_order_relaxed);
  EXPECT_THAT(Check().violations, ElementsAre(Is(ViolationKind::kLink, 3, "magic 0x1"),
                                              Is(ViolationKind::kLink, 3, "from endpoint 2"),
                                              Is(ViolationKind::kLink, 3, "incarnation 6"),
                                              Is(ViolationKind::kLink, 3, "to endpoint 6"),
                                              Is(ViolationKind::kLink, 3, "no link of its own"),
                                              Is(ViolationKind::kLink, 3, "but the region has")));
}

TEST_F(CheckRegionTest, ALineOfAFormerHolderIsEmpty) {
  PutEndpoint(3, EndpointState::kLive);
  region_->Line(3).incarnation.store(kIncarnation - 1, std::memory_order_relaxed);
  EXPECT_THAT(Check().violations, IsEmpty()) << "it has opened no channel yet";
  region_->Line(3).armed.store(1, std::memory_order_relaxed);
  region_->Line(5).link_directory.store(1, std::memory_order_relaxed);
  EXPECT_THAT(Check().violations, ElementsAre(Is(ViolationKind::kStaleLine, 3, "armed 1"),
                                              Is(ViolationKind::kStaleLine, 5, "directory 1")));
}

TEST_F(CheckRegionTest, RecordsAreInStatesAndSlotsThatExist) {
  PutEndpoint(3, static_cast<EndpointState>(9));
  PutEndpoint(4, EndpointState::kLive);
  region_->Endpoint(4).location.store(MakeLocation(4, 0, 1), std::memory_order_relaxed);
  region_->Service(1).identity.store(MakeIdentity(1, 2), std::memory_order_relaxed);
  EXPECT_THAT(Check().violations, ElementsAre(Is(ViolationKind::kUnknownState, 3, "endpoint 3"),
                                              Is(ViolationKind::kMember, 4, "slot 4"),
                                              Is(ViolationKind::kUnknownState, 1, "service 1")));
}

TEST_F(CheckRegionTest, AServicesWriterIsAMember) {
  PutEndpoint(3, EndpointState::kLive);
  PutEndpoint(4, EndpointState::kDead);
  PutService(0, "a", uint64_t{3} << 32 | kIncarnation);
  PutService(1, "b", uint64_t{4} << 32 | kIncarnation);
  PutService(2, "c", uint64_t{3} << 32 | (kIncarnation - 1));
  PutService(3, "d", uint64_t{5} << 32 | kIncarnation);
  PutService(4, "e", uint64_t{6'000'000} << 32 | kIncarnation);
  EXPECT_THAT(Check().violations, ElementsAre(Is(ViolationKind::kService, 2, "incarnation 6"),
                                              Is(ViolationKind::kService, 3, "endpoint 5"),
                                              Is(ViolationKind::kService, 4, "6000000")));
}

TEST_F(CheckRegionTest, AMapOfGarbageIsReportedInPart) {
  for (SharedU64& word : region_->ExtentMap()) word.store(UINT64_MAX, std::memory_order_relaxed);
  const RegionReport report = Check();
  EXPECT_EQ(report.lost_extents, report.extent_count);
  EXPECT_EQ(report.violations.size(), report.extent_count);
}

TEST_F(CheckRegionTest, GarbageEverywhereDoesNoHarm) {
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random(seed);
    // Few bits set make words that look like something.
    const int thinness = static_cast<int>(seed % 4);
    for (size_t i = sizeof(RegionHeader); i < Memory().size(); i += sizeof(uint64_t)) {
      uint64_t word = random();
      for (int times = 0; times < thinness; ++times) word &= random();
      Poke(i, word);
    }
    Check();
  }
}

}  // namespace
}  // namespace tombolo

// A region that others are at work in: no false alarm, whatever the moment.
#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/alloc/extent_map.h"
#include "transport/channel/channel.h"
#include "transport/fsck/check_region.h"

namespace tombolo {
namespace {

using ::testing::IsEmpty;

constexpr uint64_t kChecks = 300;
constexpr uint64_t kTurns = 20'000;  // Of the load's work: fewer meet no check in the middle.

uint64_t SumOfClasses(const RegionReport& report) {
  return report.free_extents + report.owned_extents + report.quarantine_extents +
         report.service_extents + report.lost_extents + report.changing_extents;
}

// Runs `work` in a thread again and again while this lives.
class Load {
 public:
  explicit Load(std::function<void()> work)
      : thread_([this, work = std::move(work)] {
          while (!stop_.load()) {
            work();
            turns_.fetch_add(1);
          }
        }) {}
  ~Load() {
    stop_.store(true);
    thread_.join();
  }

  uint64_t Turns() const { return turns_.load(); }

 private:
  std::atomic<bool> stop_ = false;
  std::atomic<uint64_t> turns_ = 0;
  std::thread thread_;
};

void ExpectNoAlarm(const Region& region, const Load& load, uint64_t turns = kTurns) {
  for (uint64_t checks = 0; checks < kChecks || load.Turns() < turns; ++checks) {
    const RegionReport report = CheckRegion(region);
    ASSERT_THAT(report.violations, IsEmpty()) << report.violations[0].text;
    ASSERT_EQ(SumOfClasses(report), report.extent_count);
  }
}

class Ignore final : public ChannelHandler {
 public:
  void OnMessage(EndpointId, uint8_t, std::span<const std::byte>) override {}
  void OnDeparted(EndpointId) override {}
};

TEST(LiveRegionTest, ClaimsAndFreesGiveNoFalseAlarm) {
  SimulatedMembers members(4 * kMiB);
  const auto a = members.Join("a"), b = members.Join("b");
  const Region& region = members.SharedRegion();
  std::vector<std::unique_ptr<Load>> loads;
  for (const EndpointId id : {a->Id(), b->Id()}) {
    loads.push_back(std::make_unique<Load>([&region, id, count = 1u]() mutable {
      ExtentMap extents(region.ExtentMap());
      count = count % 9 + 1;
      const auto owner = static_cast<uint16_t>(id.index);
      const auto first = extents.Claim(count, owner, ExtentKind::kMemory);
      if (first) extents.Free(*first, owner);
    }));
  }
  ExpectNoAlarm(region, *loads[0], 50 * kTurns);
}

TEST(LiveRegionTest, EndpointsThatComeAndGoGiveNoFalseAlarm) {
  SimulatedMembers members(4 * kMiB);
  Load load([&members] {
    const auto endpoint = members.Join("mortal");
    ExtentMap extents(members.SharedRegion().ExtentMap());
    for (uint32_t count = 1; count < 5; ++count) {
      extents.Claim(count, static_cast<uint16_t>(endpoint->Id().index), ExtentKind::kMemory);
    }
    members.Kill(endpoint->Id());
    members.Recycle(endpoint->Id());
  });
  ExpectNoAlarm(members.SharedRegion(), load);
}

// Links made, used, and torn down by their receivers' deaths.
TEST(LiveRegionTest, TrafficGivesNoFalseAlarm) {
  SimulatedMembers members(8 * kMiB);
  const auto sender = members.Join("sender");
  const auto channel = *Channel::Create(*sender);
  Load load([&] {
    Ignore ignore;
    const auto receiver = members.Join("receiver");
    const auto far = *Channel::Create(*receiver);
    EXPECT_TRUE(channel->Open(receiver->Id()).ok() && far->Open(sender->Id()).ok());
    for (int i = 0; i < 50; ++i) {
      Claim claim;
      const size_t size_bytes = i % 5 == 0 ? kBulkChunkBytes : 100;
      if (channel->TryClaim(receiver->Id(), size_bytes, claim))
        channel->Publish(claim, 1, size_bytes);
      if (far->TryClaim(sender->Id(), 8, claim)) far->Publish(claim, 1, 8);
      far->Poll(ignore);
      channel->Poll(ignore);
    }
    members.Kill(receiver->Id());
    channel->Poll(ignore);
    members.Recycle(receiver->Id());
  });
  ExpectNoAlarm(members.SharedRegion(), load);
}

TEST(LiveRegionTest, MemoryOfTheDeadIsInQuarantineUntilItIsReclaimed) {
  SimulatedMembers members;
  const auto a = members.Join("a"), b = members.Join("b");
  const auto channel = *Channel::Create(*a);
  ASSERT_TRUE(channel->Open(b->Id()).ok());
  const uint64_t owned = CheckRegion(members.SharedRegion()).owned_extents;
  EXPECT_EQ(owned, 2u) << "a directory and a link";
  members.Kill(a->Id());
  RegionReport report = CheckRegion(members.SharedRegion());
  EXPECT_THAT(report.violations, IsEmpty());
  EXPECT_EQ(report.quarantine_extents, owned);
  EXPECT_EQ(report.owned_extents, 0u);
  members.Recycle(a->Id());
  report = CheckRegion(members.SharedRegion());
  EXPECT_THAT(report.violations, IsEmpty());
  EXPECT_EQ(report.free_extents, report.extent_count);
}

}  // namespace
}  // namespace tombolo

// FlatEndpointTest: an endpoint of guest/flat and one of transport/channel in one region, and what
// tests say to them.
#pragma once

#include <string.h>

#include <optional>
#include <span>
#include <string_view>

#include "gtest/gtest.h"
#include "tests/guest/flat/flat_member.h"
#include "tests/transport/channel/channel_members.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/link_directory.h"
#include "transport/fsck/check_region.h"
#include "transport/layout/counters.h"
#include "transport/layout/link.h"
#include "transport/layout/shared_word.h"

namespace tombolo {

inline constexpr uint8_t kTag = 7;

class FlatEndpointTest : public testing::Test {
 protected:
  void SetUp() override {
    flat_.ClaimMemory();
    ASSERT_EQ(flat_.Join(), FLAT_OK);
  }

  // Until both have looked often enough for a link to open and credits to travel.
  void PollBoth() {
    for (int i = 0; i < 4; ++i) {
      linux_->channel->Poll(linux_->recorder);
      flat_.Poll();
    }
  }

  void SendFromFlat(std::string_view text) {
    flat_status status = flat_.Send(linux_->Id(), kTag, text);
    for (int i = 0; i < 100 && status == FLAT_AGAIN; ++i) {
      PollBoth();
      status = flat_.Send(linux_->Id(), kTag, text);
    }
    ASSERT_EQ(status, FLAT_OK) << flat_status_text(status);
    linux_->channel->Poll(linux_->recorder);
  }

  void SendFromLinux(std::string_view text) {
    ASSERT_TRUE(linux_->channel->Open(flat_.Id()).ok());
    Claim claim;
    ASSERT_TRUE(linux_->channel->TryClaim(flat_.Id(), text.size(), claim));
    memcpy(claim.payload.data(), text.data(), text.size());
    linux_->channel->Publish(claim, kTag, text.size());
    flat_.Poll();
  }

  Link& LinkBetween(EndpointId from, EndpointId to) {
    const std::optional<uint32_t> extent =
        FindLinkExtent(members_.SharedRegion(), from.index, to.index);
    EXPECT_TRUE(extent);
    return *reinterpret_cast<Link*>(members_.SharedRegion().Extent(*extent));
  }

  static std::span<SharedU64> Words(void* begin, size_t bytes) {
    return {static_cast<SharedU64*>(begin), bytes / sizeof(SharedU64)};
  }

  uint64_t Count(EndpointId id, SharedU64 EndpointCounters::*counter) {
    return (members_.SharedRegion().Counters(id.index).*counter).load(std::memory_order_relaxed);
  }

  void ExpectCleanRegion() {
    const RegionReport report = CheckRegion(members_.SharedRegion());
    EXPECT_TRUE(report.violations.empty()) << report.violations.front().text;
  }

  SimulatedMembers members_;
  FlatMember flat_{members_, "flat"};
  std::optional<Member> linux_{std::in_place, members_, "linux"};
};

}  // namespace tombolo

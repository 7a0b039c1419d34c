// Both sides at once, each on a thread of its own, under ThreadSanitizer too.
#include <cstdlib>
#include <thread>

#include "gtest/gtest.h"
#include "tests/support/spin.h"
#include "transport/layout/link.h"
#include "transport/ring/small_lane.h"

namespace tombolo {
namespace {

constexpr uint32_t kMessages = 60'000;

// Any size from 0 to the largest, small ones more often.
size_t SizeOf(uint32_t number) {
  return number % 7 == 0 ? (number * size_t{193}) % (kMaxInlineBytes + 1) : number % 120;
}

std::byte ByteOf(uint32_t number, size_t at) { return static_cast<std::byte>(number * 31 + at); }

void Fill(const SmallClaim& claim, uint32_t number) {
  for (size_t at = 0; at < SizeOf(number); ++at) claim.payload[at] = ByteOf(number, at);
}

bool IsIntact(const SmallMessage& message, uint32_t number) {
  if (message.payload.size() != SizeOf(number)) return false;
  for (size_t at = 0; at < message.payload.size(); ++at) {
    if (message.payload[at] != ByteOf(number, at)) return false;
  }
  return true;
}

class SmallLaneThreadsTest : public testing::Test {
 protected:
  // Two claims are open at a time and are published in reverse; every tenth pair is preceded by a
  // claim that is given up.
  void ProduceAll() {
    for (uint32_t number = 0; number < kMessages; number += 2) {
      if (number % 20 == 0) SmallLaneProducer::Abandon(Claim(number % 500));
      const SmallClaim first = Claim(SizeOf(number));
      Fill(first, number);
      // The second may need the room of the first, which nobody can release before it is published.
      SmallClaim second;
      const bool both = producer_.TryClaim(SizeOf(number + 1), second);
      if (!both) Publish(first, number);
      if (!both) second = Claim(SizeOf(number + 1));
      Fill(second, number + 1);
      Publish(second, number + 1);
      if (both) Publish(first, number);
    }
  }

  SmallClaim Claim(size_t bytes) {
    SmallClaim claim;
    const bool claimed = SpinUntil([&] { return producer_.TryClaim(bytes, claim); });
    if (!claimed) abort();  // The deadline: nothing sensible can follow on this thread.
    return claim;
  }

  static void Publish(const SmallClaim& claim, uint32_t number) {
    SmallLaneProducer::Publish(claim, CellKind::kInline, static_cast<uint8_t>(number),
                               SizeOf(number));
  }

  // Credits go back when a batch is due, and when there is nothing to read.
  bool Poll(SmallMessage& message) {
    const FrontResult result = consumer_.Front(message);
    EXPECT_NE(result, FrontResult::kPoisoned);
    if (result == FrontResult::kMessage) return true;
    if (consumer_.HasUnpublishedCredits()) consumer_.PublishCredits();
    return false;
  }

  void ConsumeAll() {
    for (uint32_t number = 0; number < kMessages; ++number) {
      SmallMessage message;
      ASSERT_TRUE(SpinUntil([&] { return Poll(message); })) << "message " << number;
      ASSERT_EQ(message.tag, static_cast<uint8_t>(number));
      ASSERT_TRUE(IsIntact(message, number)) << "message " << number;
      consumer_.Release();
      if (consumer_.CreditsDue()) consumer_.PublishCredits();
    }
  }

  alignas(kExtentBytes) Link link_{};
  SmallLaneProducer producer_{link_};
  SmallLaneConsumer consumer_{link_};
};

TEST_F(SmallLaneThreadsTest, EveryMessageArrivesOnceInOrderAndWhole) {
  std::thread producer([&] { ProduceAll(); });
  ConsumeAll();
  producer.join();
  EXPECT_FALSE(producer_.Poisoned());
}

}  // namespace
}  // namespace tombolo

// A million random operations against a model that is too simple to be wrong: a list of messages,
// and a picture of which cells are in use. All payload looks like headers of the lane's own laps.
#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "transport/layout/link.h"
#include "transport/ring/small_lane.h"

namespace tombolo {
namespace {

constexpr int kOperations = 1'000'000;

// A word that the consumer would deliver as a message if it ever took it for a header: `lap_hint`
// is the lap of the claim, and the word claims to be of that one, the next or the one before.
uint64_t FakeHeader(uint64_t seed, uint16_t lap_hint) {
  std::minstd_rand random(static_cast<uint32_t>(seed));
  return Pack(CellHeader{.length = static_cast<uint32_t>(random() % kCellBytes),
                         .cells = static_cast<uint8_t>(1 + random() % 3),
                         .kind = random() % 2 ? CellKind::kInline : CellKind::kSkip,
                         .tag = 0xee,
                         .lap = static_cast<uint16_t>(lap_hint + random() % 3 - 1)});
}

struct Sent {
  enum State { kOpen, kPublished, kAbandoned } state = kOpen;
  SmallClaim claim;
  size_t length = 0;
  uint64_t seed = 0;
  uint8_t tag = 0;
};

class LaneModel {
 public:
  // Whether a message of `cells` cells has room, and where: marks the cells as used if so.
  bool Claim(uint32_t cells) {
    const uint32_t left = kLinkCells - next_;
    const uint32_t skipped = cells > left ? left : 0;
    for (uint32_t i = 0; i < skipped + cells + 1; ++i) {
      if (used_[(next_ + i) % kLinkCells]) return false;
    }
    for (uint32_t i = 0; i < skipped + cells; ++i) Use(skipped > i);
    return true;
  }

  // The consumer has passed the oldest `cells` message cells and the skips before them.
  void Consume(uint32_t cells) {
    while (SkipAtFront()) PopConsumed();
    for (uint32_t i = 0; i < cells; ++i) PopConsumed();
  }
  void ConsumeSkips() { Consume(0); }

  void Credit() {
    for (const uint32_t cell : consumed_) used_[cell] = false;
    consumed_.clear();
  }

 private:
  struct Used {
    uint32_t cell;
    bool is_skip;
  };
  void Use(bool is_skip) {
    used_[next_] = true;
    in_flight_.push_back({next_, is_skip});
    next_ = (next_ + 1) % kLinkCells;
  }
  bool SkipAtFront() const { return !in_flight_.empty() && in_flight_.front().is_skip; }
  void PopConsumed() {
    consumed_.push_back(in_flight_.front().cell);
    in_flight_.pop_front();
  }

  std::array<bool, kLinkCells> used_{};
  std::deque<Used> in_flight_;
  std::vector<uint32_t> consumed_;
  uint32_t next_ = 0;
};

class SmallLaneModelTest : public testing::Test {
 protected:
  size_t RandomSize() {
    if (random_() % 3 == 0) return random_() % (kMaxInlineBytes + 1);
    return random_() % 200;
  }

  void TryToClaim() {
    Sent sent;
    const size_t room = RandomSize();
    // The producer looks at credits only when it is short, so the model is told of them first: both
    // see the same, because they are the same thread.
    const bool expected = model_.Claim(CellsFor(room));
    ASSERT_EQ(producer_.TryClaim(room, sent.claim), expected) << room << " bytes";
    if (!expected) return;
    sent.length = room - (room == 0 ? 0 : random_() % room);
    sent.seed = random_();
    sent.tag = static_cast<uint8_t>(random_() % 100);
    Fill(sent, room);
    open_.push_back(sent_.size());
    sent_.push_back(sent);
  }

  void Fill(const Sent& sent, size_t room) {
    for (size_t at = 0; at < room; at += sizeof(uint64_t)) {
      const uint64_t word = FakeHeader(sent.seed + at, sent.claim.lap);
      memcpy(sent.claim.payload + at, &word, std::min(sizeof(word), room - at));
    }
  }

  void CheckPayload(const Sent& sent, std::span<const std::byte> payload) {
    ASSERT_EQ(payload.size(), sent.length);
    for (size_t at = 0; at < payload.size(); at += sizeof(uint64_t)) {
      const uint64_t word = FakeHeader(sent.seed + at, sent.claim.lap);
      ASSERT_EQ(memcmp(payload.data() + at, &word, std::min(sizeof(word), payload.size() - at)), 0)
          << "at byte " << at;
    }
  }

  void FinishAnOpenClaim() {
    if (open_.empty()) return;
    const size_t which = random_() % open_.size();
    Sent& sent = sent_[open_[which]];
    if (random_() % 8 == 0) {
      sent.state = Sent::kAbandoned;
      SmallLaneProducer::Abandon(sent.claim);
    } else {
      sent.state = Sent::kPublished;
      SmallLaneProducer::Publish(sent.claim, CellKind::kInline, sent.tag, sent.length);
    }
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(which));
  }

  void Receive() {
    while (received_ < sent_.size() && sent_[received_].state == Sent::kAbandoned) {
      model_.Consume(sent_[received_++].claim.cells);
    }
    SmallMessage message;
    const FrontResult result = consumer_.Front(message);
    if (received_ == sent_.size() || sent_[received_].state == Sent::kOpen) {
      ASSERT_EQ(result, FrontResult::kEmpty);
      if (received_ < sent_.size()) model_.ConsumeSkips();
      return;
    }
    ASSERT_EQ(result, FrontResult::kMessage);
    const Sent& sent = sent_[received_++];
    EXPECT_EQ(message.tag, sent.tag);
    CheckPayload(sent, message.payload);
    consumer_.Release();
    model_.Consume(sent.claim.cells);
  }

  void ReturnCredits() {
    consumer_.PublishCredits();
    model_.Credit();
  }

  void Step() {
    switch (random_() % 8) {
      case 0:
      case 1:
      case 2:
        return TryToClaim();
      case 3:
      case 4:
        return FinishAnOpenClaim();
      case 5:
      case 6:
        return Receive();
      default:
        return ReturnCredits();
    }
  }

  std::mt19937_64 random_{20240229};
  alignas(kExtentBytes) Link link_{};
  SmallLaneProducer producer_{link_};
  SmallLaneConsumer consumer_{link_};
  LaneModel model_;
  std::vector<Sent> sent_;
  std::vector<size_t> open_;
  size_t received_ = 0;
};

TEST_F(SmallLaneModelTest, BehavesAsTheModelWhateverTheOrderOfOperations) {
  for (int i = 0; i < kOperations; ++i) {
    ASSERT_NO_FATAL_FAILURE(Step()) << "operation " << i;
  }
  while (!open_.empty()) FinishAnOpenClaim();
  while (received_ < sent_.size()) ASSERT_NO_FATAL_FAILURE(Receive());
  EXPECT_GT(sent_.size(), kOperations / 20u);  // It did not stand still.
}

}  // namespace
}  // namespace tombolo

// Random traffic over many streams at once: whatever the pieces and the order of ends and resets,
// what arrives is what was written.
#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/transport/stream/stream_node.h"
#include "transport/base/units.h"

namespace tombolo {
namespace {

constexpr size_t kStreams = 12;
constexpr size_t kMostBytes = 300 * kKiB;
constexpr int kSteps = 4000;

// One end of a stream, with all that it ever wrote and read.
class RandomEnd final : public StreamHandler {
 public:
  RandomEnd(std::mt19937_64& random, uint64_t seed)
      : random_(random), text_(Pattern(seed, 0, kMostBytes)) {}

  void Take(std::unique_ptr<Stream> stream) {
    stream_ = std::move(stream);
    stream_->SetHandler(this);
  }

  void OnReadable() override {
    if (random_() % 4 != 0) ReadSome();
  }
  void OnWritable() override {
    ++writable_calls_;
    EXPECT_GT(stream_->WritableBytes(), 0u);
  }
  void OnReset(const absl::Status&) override { reset_ = true; }

  void ReadSome() {
    const auto front = stream_->Front();
    const size_t bytes = random_() % 3 == 0 ? front.size() : random_() % (front.size() + 1);
    received_ += TextOf(front.first(bytes));
    stream_->Consume(bytes);
  }

  void WriteSome() {
    if (closed_ || stream_ == nullptr) return;
    const size_t wish = 1 + (random_() % 4 == 0 ? random_() % (100 * kKiB) : random_() % 200);
    const size_t bytes = std::min(wish, text_.size() - written_);
    written_ += stream_->Write(BytesOf(text_).subspan(written_, bytes));
  }

  void Close() {
    closed_ = true;
    stream_->CloseWrite();
  }

  void Step() {
    if (stream_ == nullptr || reset_) return;
    const uint64_t dice = random_() % 1000;
    if (dice < 500) {
      WriteSome();
    } else if (dice < 900) {
      ReadSome();
    } else if (dice < 980) {
      stream_->NotifyWritable();
    } else if (dice < 990) {
      Close();
    } else if (dice == 999 && random_() % 10 == 0) {
      Drop();
    }
  }

  void Drop() {
    was_at_end_ = closed_ && stream_->AtEnd();
    reset_ = reset_ || !was_at_end_;
    stream_.reset();
  }

  // Everything is read, and this side has closed.
  void Drain() {
    if (stream_ == nullptr || reset_) return;
    if (!closed_) Close();
    while (!stream_->Front().empty()) ReadSome();
  }

  bool Reset() const { return reset_; }
  bool AtEnd() const { return stream_ != nullptr ? stream_->AtEnd() : was_at_end_; }
  const std::string& Received() const { return received_; }
  std::string_view Written() const { return std::string_view(text_).substr(0, written_); }

 private:
  std::mt19937_64& random_;
  const std::string text_;
  std::unique_ptr<Stream> stream_;
  std::string received_;
  size_t written_ = 0;
  int writable_calls_ = 0;
  bool closed_ = false;
  bool reset_ = false;
  bool was_at_end_ = false;  // When it was dropped.
};

// Accepts each stream with the next of its ends.
class RandomAcceptor final : public StreamAcceptor {
 public:
  explicit RandomAcceptor(std::mt19937_64& random) : random_(random) {}

  absl::Status OnConnect(EndpointId, std::string_view, std::unique_ptr<Stream>& stream) override {
    ends.push_back(std::make_unique<RandomEnd>(random_, 1000 + ends.size()));
    ends.back()->Take(std::move(stream));
    return absl::OkStatus();
  }

  std::vector<std::unique_ptr<RandomEnd>> ends;

 private:
  std::mt19937_64& random_;
};

class RandomNode final : public ChannelHandler {
 public:
  RandomNode(SimulatedMembers& members, std::mt19937_64& random, const StreamLimits& limits)
      : acceptor(random),
        endpoint(members.Join("random")),
        channel(*Channel::Create(*endpoint)),
        mux(std::make_unique<StreamMux>(*channel, &acceptor, limits)) {}
  ~RandomNode() override { acceptor.ends.clear(); }

  bool Turn() {
    const bool delivered = channel->Poll(*this) != 0;
    return mux->Flush() || delivered;
  }
  void OnMessage(EndpointId source, uint8_t, std::span<const std::byte> payload) override {
    mux->OnMessage(source, payload);
  }
  void OnDeparted(EndpointId peer) override { mux->OnDeparted(peer); }

  RandomAcceptor acceptor;
  std::unique_ptr<Endpoint> endpoint;
  std::unique_ptr<Channel> channel;
  std::unique_ptr<StreamMux> mux;
};

void CheckDirection(const RandomEnd& from, const RandomEnd& to) {
  ASSERT_LE(to.Received().size(), from.Written().size());
  EXPECT_TRUE(to.Received() == from.Written().substr(0, to.Received().size()));
  if (from.Reset() || to.Reset()) return;
  EXPECT_TRUE(to.AtEnd());
  EXPECT_EQ(to.Received().size(), from.Written().size());
}

class RandomStreamTest : public testing::TestWithParam<int> {};

TEST_P(RandomStreamTest, WhatArrivesIsWhatWasWritten) {
  std::mt19937_64 random(static_cast<uint64_t>(GetParam()));
  SimulatedMembers members;
  const StreamLimits limits{.least_window_bytes = 1 + random() % 5000,
                            .largest_window_bytes = 5000 + random() % 60000,
                            .receive_bytes = 100'000};
  RandomNode a(members, random, limits), b(members, random, limits);
  std::vector<std::unique_ptr<RandomEnd>> near;
  for (uint64_t i = 0; i < kStreams; ++i) {
    near.push_back(std::make_unique<RandomEnd>(random, i));
    near.back()->Take(*a.mux->Connect(b.endpoint->Id(), "random", nullptr));
  }
  for (bool busy = true; busy;) {
    busy = a.Turn();
    busy |= b.Turn();
  }
  ASSERT_EQ(b.acceptor.ends.size(), kStreams);
  const bool dies = GetParam() % 4 == 0;
  for (int step = 0; step < kSteps; ++step) {
    near[random() % kStreams]->Step();
    b.acceptor.ends[random() % kStreams]->Step();
    if (random() % 3 == 0) a.Turn();
    if (random() % 3 == 0) b.Turn();
    EXPECT_LE(b.mux->HeldBytes(), limits.receive_bytes + kStreams * limits.least_window_bytes);
  }
  if (dies) members.Kill(a.endpoint->Id());
  for (int quiet = 0; quiet < 5;) {
    for (const auto& end : near) end->Drain();
    for (const auto& end : b.acceptor.ends) end->Drain();
    bool busy = b.Turn();
    if (!dies) busy |= a.Turn();
    quiet = busy ? 0 : quiet + 1;
  }
  for (size_t i = 0; i < kStreams; ++i) {
    CheckDirection(*near[i], *b.acceptor.ends[i]);
    if (!dies) CheckDirection(*b.acceptor.ends[i], *near[i]);
  }
  EXPECT_EQ(a.mux->Counters().violations + b.mux->Counters().violations, 0u);
  near.clear();
  b.acceptor.ends.clear();
  EXPECT_EQ(b.mux->HeldBytes(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomStreamTest, testing::Range(1, 41));

}  // namespace
}  // namespace tombolo

#include "transport/stream/stream.h"

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "gtest/gtest.h"
#include "tests/transport/stream/stream_node.h"
#include "transport/base/memory_type.h"
#include "transport/base/units.h"
#include "transport/layout/link.h"
#include "transport/region/region.h"

namespace tombolo {
namespace {

class StreamTest : public testing::Test {
 protected:
  // Two ends of one accepted stream.
  struct Pair {
    std::unique_ptr<RecordingHandler> near;
    RecordingHandler* far;
  };
  Pair MakePair(std::string_view service = "echo") {
    Pair pair{a_.Connect(b_, service), nullptr};
    Settle(a_, b_);
    pair.far = b_.accepted.back().get();
    return pair;
  }

  // Writes all of `text`, with both sides turning.
  void WriteAll(Stream& stream, std::string_view text) {
    while (!text.empty()) {
      const size_t taken = stream.Write(BytesOf(text));
      text.remove_prefix(taken);
      if (taken == 0) Settle(a_, b_);
    }
    Settle(a_, b_);
  }

  SimulatedMembers members_;
  StreamNode a_{members_, "a"};
  StreamNode b_{members_, "b"};
};

TEST_F(StreamTest, ConnectReachesTheAcceptorWithItsService) {
  Pair pair = MakePair("memcached");
  EXPECT_EQ(b_.services, std::vector<std::string>{"memcached"});
  EXPECT_GT(pair.near->stream->WritableBytes(), 0u);
  EXPECT_FALSE(pair.near->reset);
}

TEST_F(StreamTest, NothingMayBeWrittenBeforeItIsAccepted) {
  auto near = a_.Connect(b_, "echo");
  EXPECT_EQ(near->stream->WritableBytes(), 0u);
  near->stream->NotifyWritable();
  EXPECT_EQ(near->stream->Write(BytesOf("x")), 0u);
  Settle(a_, b_);
  EXPECT_EQ(near->writable_calls, 1);
}

TEST_F(StreamTest, ARefusalArrivesWithItsCodeAndReason) {
  auto near = a_.Connect(b_, "refused");
  Settle(a_, b_);
  ASSERT_TRUE(near->reset);
  EXPECT_EQ(*near->reset, absl::PermissionDeniedError("not on the list"));
  EXPECT_EQ(b_.mux->Counters().refused, 1u);
  EXPECT_EQ(b_.mux->StreamCount(), 0u);
}

TEST_F(StreamTest, ANameThatNoServiceCanHaveIsRefusedAtOnce) {
  for (const std::string& name : {std::string(), std::string("a b"), std::string(65, 'x')}) {
    EXPECT_EQ(a_.mux->Connect(b_.Id(), name, nullptr).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
}

TEST_F(StreamTest, AConnectToTheDeadFails) {
  members_.Kill(b_.Id());
  EXPECT_EQ(a_.mux->Connect(b_.Id(), "echo", nullptr).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(StreamTest, DataGoesBothWaysInOrder) {
  Pair pair = MakePair();
  const std::string there = Pattern(1, 0, kMiB + 77), back = Pattern(2, 0, 300 * kKiB + 1);
  WriteAll(*pair.near->stream, there);
  WriteAll(*pair.far->stream, back);
  EXPECT_TRUE(pair.far->received == there);
  EXPECT_TRUE(pair.near->received == back);
}

TEST_F(StreamTest, TheAcceptorMayWriteFirst) {
  Pair pair = MakePair();
  WriteAll(*pair.far->stream, "welcome");
  EXPECT_EQ(pair.near->received, "welcome");
}

TEST_F(StreamTest, EachDirectionEndsOnItsOwn) {
  Pair pair = MakePair();
  WriteAll(*pair.near->stream, "question");
  pair.near->stream->CloseWrite();
  Settle(a_, b_);
  EXPECT_TRUE(pair.far->stream->AtEnd());
  EXPECT_FALSE(pair.near->stream->AtEnd());
  EXPECT_EQ(pair.near->stream->WritableBytes(), 0u);
  WriteAll(*pair.far->stream, "answer");
  pair.far->stream->CloseWrite();
  Settle(a_, b_);
  EXPECT_EQ(pair.near->received, "answer");
  EXPECT_TRUE(pair.near->stream->AtEnd());
  EXPECT_FALSE(pair.near->reset || pair.far->reset);
}

TEST_F(StreamTest, AnEndIsSeenOnlyAfterWhatCameBeforeWasRead) {
  Pair pair = MakePair("slow");
  WriteAll(*pair.near->stream, "last words");
  pair.near->stream->CloseWrite();
  Settle(a_, b_);
  EXPECT_TRUE(pair.far->stream->EndHasCome());
  EXPECT_FALSE(pair.far->stream->AtEnd());
  pair.far->ReadAll();
  EXPECT_TRUE(pair.far->stream->AtEnd());
}

TEST_F(StreamTest, AStreamThatIsDroppedAfterItsEndStillSendsWhatWasWritten) {
  Pair pair = MakePair();
  pair.far->stream->CloseWrite();
  Settle(a_, b_);
  ASSERT_TRUE(pair.near->stream->AtEnd());
  // More than the link has room for, so that some waits.
  const std::string text = Pattern(3, 0, 64 * kKiB);
  std::string_view rest = text;
  while (size_t taken = pair.near->stream->Write(BytesOf(rest))) rest.remove_prefix(taken);
  pair.near->stream->CloseWrite();
  pair.near->stream.reset();
  Settle(a_, b_);
  EXPECT_TRUE(pair.far->received == text.substr(0, text.size() - rest.size()));
  EXPECT_TRUE(pair.far->stream->AtEnd());
  EXPECT_FALSE(pair.far->reset);
}

TEST_F(StreamTest, AStreamThatIsDroppedEarlyIsReset) {
  Pair pair = MakePair();
  pair.near->stream.reset();
  Settle(a_, b_);
  ASSERT_TRUE(pair.far->reset);
  EXPECT_EQ(pair.far->reset->code(), absl::StatusCode::kCancelled);
}

TEST_F(StreamTest, AResetCarriesItsReasonAndEndsBothDirections) {
  Pair pair = MakePair();
  pair.far->stream->Reset(absl::AbortedError("connection reset by \x01 client"));
  Settle(a_, b_);
  ASSERT_TRUE(pair.near->reset);
  EXPECT_EQ(*pair.near->reset, absl::AbortedError("connection reset by ? client"));
  EXPECT_EQ(pair.near->stream->WritableBytes(), 0u);
  EXPECT_FALSE(pair.far->reset) << "who resets is not told";
}

TEST_F(StreamTest, AResetBeforeTheAnswerReachesTheAcceptor) {
  auto near = a_.Connect(b_, "echo");
  near->stream.reset();
  Settle(a_, b_);
  ASSERT_EQ(b_.accepted.size(), 1u);
  EXPECT_TRUE(b_.accepted[0]->reset);
  b_.accepted.clear();
  EXPECT_EQ(a_.mux->StreamCount() + b_.mux->StreamCount(), 0u);
}

TEST_F(StreamTest, AWriterStopsAtTheWindowOfASlowReader) {
  Pair pair = MakePair("slow");
  const std::string text = Pattern(4, 0, 2 * kMiB);
  std::string_view rest = text;
  for (int i = 0; i < 1000; ++i) {
    rest.remove_prefix(pair.near->stream->Write(BytesOf(rest)));
    Settle(a_, b_);
  }
  const size_t sent = text.size() - rest.size();
  EXPECT_EQ(sent, StreamLimits{}.largest_window_bytes);
  EXPECT_LE(b_.mux->HeldBytes(), StreamLimits{}.largest_window_bytes);
  pair.near->stream->NotifyWritable();
  EXPECT_EQ(pair.near->writable_calls, 0);
  pair.far->ReadAll();
  Settle(a_, b_);
  EXPECT_EQ(pair.near->writable_calls, 1);
  pair.far->slow = false;
  WriteAll(*pair.near->stream, rest);
  EXPECT_TRUE(pair.far->received == text);
}

TEST_F(StreamTest, ManySlowReadersTogetherStayWithinTheBudget) {
  const StreamLimits limits{.receive_bytes = kMiB};
  StreamNode c(members_, "c", limits);
  std::vector<std::unique_ptr<RecordingHandler>> near;
  constexpr size_t kStreams = 50;
  for (size_t i = 0; i < kStreams; ++i) near.push_back(a_.Connect(c, "slow"));
  Settle(a_, c);
  const std::string text = Pattern(5, 0, 64 * kKiB);
  uint64_t sent = 0;
  for (int round = 0; round < 20; ++round) {
    for (const auto& handler : near) sent += handler->stream->Write(BytesOf(text));
    Settle(a_, c);
  }
  EXPECT_GE(sent, kStreams * limits.least_window_bytes);
  EXPECT_LE(sent, limits.receive_bytes + kStreams * limits.least_window_bytes);
  for (int round = 0; round < 20; ++round) {
    for (const auto& handler : c.accepted) handler->ReadAll();
    for (const auto& handler : near) handler->stream->Write(BytesOf(text));
    Settle(a_, c);
    EXPECT_LE(c.mux->HeldBytes(), limits.receive_bytes + kStreams * limits.least_window_bytes);
  }
  c.accepted.clear();
  Settle(a_, c);
  EXPECT_EQ(c.mux->HeldBytes(), 0u);
}

TEST_F(StreamTest, ALinkWithoutRoomHoldsAtMostOneWriteOfEachStream) {
  std::vector<std::unique_ptr<RecordingHandler>> near;
  for (int i = 0; i < 20; ++i) near.push_back(a_.Connect(b_, "echo"));
  Settle(a_, b_);
  const std::string text = Pattern(6, 0, 200 * kKiB);
  // The receiver does not poll: the link fills up, and then nobody may write.
  std::vector<size_t> sent(near.size());
  for (int round = 0; round < 10; ++round) {
    for (size_t i = 0; i < near.size(); ++i) {
      sent[i] += near[i]->stream->Write(BytesOf(text).subspan(sent[i]));
    }
  }
  for (const auto& handler : near) {
    EXPECT_EQ(handler->stream->WritableBytes(), 0u);
    handler->stream->NotifyWritable();
  }
  Settle(a_, b_);
  for (size_t i = 0; i < near.size(); ++i) {
    EXPECT_EQ(near[i]->writable_calls, 1);
    EXPECT_TRUE(b_.accepted[i]->received == text.substr(0, sent[i]));
  }
}

TEST_F(StreamTest, WithoutMemoryForABulkPoolDataGoesInSmallPieces) {
  ExtentMap extents(members_.SharedRegion().ExtentMap());
  Pair pair = MakePair();
  while (extents.Claim(8, 63, ExtentKind::kPoolSegment)) {
  }
  const std::string text = Pattern(7, 0, 200 * kKiB);
  WriteAll(*pair.near->stream, text);
  EXPECT_TRUE(pair.far->received == text);
  EXPECT_EQ(a_.channel->MaxPayloadBytes(b_.Id()), kMaxInlineBytes);
}

TEST_F(StreamTest, ThePeersDeathEndsItsStreamsAfterItsLastData) {
  Pair pair = MakePair(), other = MakePair();
  StreamNode c(members_, "c");
  auto third = c.Connect(b_, "echo");
  Settle(c, b_);
  ASSERT_EQ(pair.near->stream->Write(BytesOf("last words")), 10u);
  members_.Kill(a_.Id());
  b_.Turn();
  EXPECT_EQ(pair.far->received, "last words");
  ASSERT_TRUE(pair.far->reset && other.far->reset);
  EXPECT_EQ(pair.far->reset->code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(pair.far->stream->WritableBytes(), 0u);
  EXPECT_FALSE(b_.accepted.back()->reset) << "streams of others go on";
}

TEST_F(StreamTest, WhatADeadPeerHadSentMayStillBeRead) {
  Pair pair = MakePair("slow");
  WriteAll(*pair.near->stream, "unread");
  members_.Kill(a_.Id());
  b_.Turn();
  ASSERT_TRUE(pair.far->reset);
  pair.far->ReadAll();
  EXPECT_EQ(pair.far->received, "unread");
  EXPECT_FALSE(pair.far->stream->AtEnd());
}

TEST_F(StreamTest, ThousandsOfStreamsLeaveNothingBehind) {
  for (int round = 0; round < 20; ++round) {
    std::vector<std::unique_ptr<RecordingHandler>> near;
    for (int i = 0; i < 500; ++i) {
      near.push_back(a_.Connect(b_, "echo"));
      if (i % 3 == 0) near.back()->stream->CloseWrite();
    }
    Settle(a_, b_);
    for (auto& handler : near) handler->stream->Write(BytesOf("x"));
    near.clear();
    b_.accepted.clear();
    Settle(a_, b_);
    EXPECT_EQ(a_.mux->StreamCount() + b_.mux->StreamCount(), 0u);
    EXPECT_EQ(a_.mux->HeldBytes() + b_.mux->HeldBytes(), 0u);
  }
  EXPECT_EQ(a_.mux->Counters().violations + b_.mux->Counters().violations, 0u);
}

TEST_F(StreamTest, MoreStreamsThanAllowedAreRefusedOnBothSides) {
  StreamNode c(members_, "c", {.max_streams_per_peer = 3});
  StreamNode d(members_, "d", {.max_streams = 5});
  std::vector<std::unique_ptr<RecordingHandler>> near;
  for (int i = 0; i < 6; ++i) near.push_back(a_.Connect(d, "echo"));
  Settle(a_, d);
  EXPECT_EQ(d.accepted.size(), 5u);
  ASSERT_TRUE(near[5]->reset);
  EXPECT_EQ(near[5]->reset->code(), absl::StatusCode::kResourceExhausted);
  for (int i = 0; i < 3; ++i) near.push_back(c.Connect(b_, "echo"));
  EXPECT_EQ(c.mux->Connect(b_.Id(), "echo", nullptr).status().code(),
            absl::StatusCode::kResourceExhausted);
}

// Looks where the bytes lie that it is offered.
class PlaceHandler final : public StreamHandler {
 public:
  explicit PlaceHandler(const Region& region)
      : extents_(region.Bytes(region.ExtentOffset(0), region.ExtentMap().size() * kExtentBytes)) {}

  void OnReadable() override {
    const std::span<const std::byte> front = stream->Front();
    bytes += front.size();
    lies_in_region = std::less_equal<>()(extents_.data(), front.data()) &&
                     std::less<>()(front.data(), extents_.data() + extents_.size());
    stream->Consume(front.size());
  }
  void OnWritable() override {}
  void OnReset(const absl::Status&) override {}

  std::unique_ptr<Stream> stream;
  size_t bytes = 0;
  bool lies_in_region = false;

 private:
  const std::span<const std::byte> extents_;
};

// Who reads it may use memcpy and system calls, which Device memory does not bear.
TEST_F(StreamTest, WhatIsReadInDeviceMemoryIsACopy) {
  for (const MemoryType type : {MemoryType::kWriteBack, MemoryType::kDevice}) {
    StreamNode reader(members_.Adopt(members_.Add("reader"), type));
    PlaceHandler handler(reader.endpoint->SharedRegion());
    handler.stream = *reader.mux->Connect(b_.Id(), "echo", &handler);
    Settle(reader, b_);
    EXPECT_EQ(b_.accepted.back()->stream->Write(BytesOf("odd")), 3u);
    Settle(reader, b_);
    EXPECT_EQ(handler.bytes, 3u);
    EXPECT_EQ(handler.lies_in_region, type != MemoryType::kDevice);
  }
}

}  // namespace
}  // namespace tombolo

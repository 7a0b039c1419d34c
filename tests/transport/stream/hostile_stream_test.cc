// A peer that writes frames by hand: whatever it says, only its own streams suffer.
#include <string.h>

#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "tests/transport/stream/stream_node.h"
#include "transport/layout/link.h"
#include "transport/layout/stream_frame.h"

namespace tombolo {
namespace {

constexpr uint64_t kPlentyBytes = 1 << 20;

// An endpoint without a mux.
class HandWriter final : public ChannelHandler {
 public:
  HandWriter(SimulatedMembers& members, const StreamNode& victim)
      : endpoint_(members.Join("hostile")),
        channel_(*Channel::Create(*endpoint_)),
        victim_(victim.Id()) {
    EXPECT_TRUE(channel_->Open(victim_).ok());
  }

  EndpointId Id() const { return endpoint_->Id(); }

  bool SendRaw(std::span<const std::byte> message) {
    Claim claim;
    if (!channel_->TryClaim(victim_, message.size(), claim)) return false;
    if (!message.empty()) memcpy(claim.payload.data(), message.data(), message.size());
    channel_->Publish(claim, ToTag(AgentTag::kStream), message.size());
    return true;
  }

  bool Send(const StreamFrameHeader& header, std::string_view body = "") {
    std::string message(reinterpret_cast<const char*>(&header), sizeof(header));
    message += body;
    return SendRaw(BytesOf(message));
  }

  // A frame of a stream that this side opened.
  bool Send(StreamFrameType type, uint32_t id, uint64_t value, std::string_view body = "") {
    return Send({.type = static_cast<uint8_t>(type),
                 .from_opener = 1,
                 .reserved = 0,
                 .stream_id = id,
                 .value = value},
                body);
  }

  // What came back since the last call.
  std::vector<StreamFrameHeader> Answers() {
    answers_.clear();
    channel_->Poll(*this);
    return answers_;
  }

  void OnMessage(EndpointId, uint8_t, std::span<const std::byte> payload) override {
    StreamFrameHeader header;
    ASSERT_GE(payload.size(), sizeof(header));
    memcpy(&header, payload.data(), sizeof(header));
    answers_.push_back(header);
  }
  void OnDeparted(EndpointId) override {}

 private:
  std::unique_ptr<Endpoint> endpoint_;
  std::unique_ptr<Channel> channel_;
  EndpointId victim_;
  std::vector<StreamFrameHeader> answers_;
};

class HostileStreamTest : public testing::Test {
 protected:
  // Opens stream 1, which the victim accepts.
  void Open() {
    ASSERT_TRUE(hostile_.Send(StreamFrameType::kOpen, 1, kPlentyBytes, "echo"));
    victim_.Turn();
    const auto answers = hostile_.Answers();
    ASSERT_EQ(answers.size(), 1u);
    ASSERT_EQ(answers[0].type, static_cast<uint8_t>(StreamFrameType::kAccept));
    window_ = answers[0].value;
  }

  // The victim has reset stream 1 and listens on.
  void ExpectReset() {
    victim_.Turn();
    EXPECT_EQ(victim_.mux->Counters().violations, 1u);
    EXPECT_EQ(victim_.mux->Counters().banned_peers, 0u);
    ASSERT_TRUE(victim_.accepted[0]->reset);
    EXPECT_EQ(victim_.accepted[0]->reset->code(), absl::StatusCode::kInternal);
    const auto answers = hostile_.Answers();
    ASSERT_FALSE(answers.empty());
    EXPECT_EQ(answers.back().type, static_cast<uint8_t>(StreamFrameType::kReset));
    EXPECT_TRUE(hostile_.Send(StreamFrameType::kOpen, 2, kPlentyBytes, "echo"));
    victim_.Turn();
    EXPECT_EQ(victim_.accepted.size(), 2u);
  }

  void ExpectBan() {
    victim_.Turn();
    EXPECT_EQ(victim_.mux->Counters().banned_peers, 1u);
    for (const auto& handler : victim_.accepted) EXPECT_TRUE(handler->reset);
    EXPECT_TRUE(hostile_.Send(StreamFrameType::kOpen, 77, kPlentyBytes, "echo"));
    const size_t accepted = victim_.accepted.size();
    victim_.Turn();
    EXPECT_EQ(victim_.accepted.size(), accepted);
    EXPECT_GE(victim_.mux->Counters().ignored_frames, 1u);
  }

  SimulatedMembers members_;
  StreamNode victim_{members_, "victim"};
  HandWriter hostile_{members_, victim_};
  uint64_t window_ = 0;
};

TEST_F(HostileStreamTest, WhatIsShorterThanAHeaderGetsThePeerIgnored) {
  Open();
  hostile_.SendRaw(BytesOf("short"));
  ExpectBan();
}

TEST_F(HostileStreamTest, FramesOfNoShapeGetThePeerIgnored) {
  const StreamFrameHeader good{
      .type = 3, .from_opener = 1, .reserved = 0, .stream_id = 1, .value = 0};
  std::vector<std::pair<StreamFrameHeader, std::string>> bad(12, {good, "x"});
  bad[0].first.type = 0;
  bad[1].first.type = 7;
  bad[2].first.reserved = 1;
  bad[3].first.from_opener = 2;
  bad[4].second = "";                                            // Data without data.
  bad[5] = {good, std::string(65, 'x')}, bad[5].first.type = 1;  // A name that is too long.
  bad[6] = {good, ""}, bad[6].first.type = 1;                    // No name.
  bad[7].first.type = 1, bad[7].first.from_opener = 0;           // Opened by the other side.
  bad[8].first.type = 2;                                         // Accepted by the opener.
  bad[9].first.type = 4;                                         // An end with a body.
  bad[10].first.type = 5;                                        // Credit with a body.
  bad[11] = {good, std::string(201, 'x')}, bad[11].first.type = 6;
  for (const auto& [header, body] : bad) {
    StreamNode victim(members_, "victim");
    HandWriter hostile(members_, victim);
    hostile.Send(header, body);
    victim.Turn();
    EXPECT_EQ(victim.mux->Counters().banned_peers, 1u) << int{header.type};
    members_.Kill(hostile.Id());
    members_.Kill(victim.Id());
  }
}

TEST_F(HostileStreamTest, FramesOfStreamsThatAreNotThereAreDropped) {
  Open();
  for (auto type : {StreamFrameType::kFin, StreamFrameType::kCredit, StreamFrameType::kReset}) {
    hostile_.Send(type, 5, 0);
  }
  hostile_.Send(StreamFrameType::kData, 5, 0, "data");
  hostile_.Send({.type = 2, .from_opener = 0, .reserved = 0, .stream_id = 1, .value = 9});
  victim_.Turn();
  EXPECT_EQ(victim_.mux->Counters().stray_frames, 5u);
  EXPECT_FALSE(victim_.accepted[0]->reset);
}

TEST_F(HostileStreamTest, MoreDataThanTheWindowAllowsResetsTheStream) {
  Open();
  victim_.accepted[0]->slow = true;
  const std::string piece(30'000, 'x');
  uint64_t position = 0;
  while (position <= window_) {
    ASSERT_TRUE(hostile_.Send(StreamFrameType::kData, 1, position, piece));
    position += piece.size();
    victim_.Turn();
  }
  EXPECT_LE(victim_.mux->HeldBytes(), window_);
  ExpectReset();
}

TEST_F(HostileStreamTest, DataOutOfOrderResetsTheStream) {
  Open();
  hostile_.Send(StreamFrameType::kData, 1, 1, "x");
  ExpectReset();
}

TEST_F(HostileStreamTest, DataAtAPositionThatWrapsResetsTheStream) {
  Open();
  hostile_.Send(StreamFrameType::kData, 1, ~uint64_t{0}, "xyz");
  ExpectReset();
}

TEST_F(HostileStreamTest, DataAfterTheEndResetsTheStream) {
  Open();
  hostile_.Send(StreamFrameType::kFin, 1, 0);
  hostile_.Send(StreamFrameType::kData, 1, 0, "x");
  ExpectReset();
}

TEST_F(HostileStreamTest, AnEndElsewhereResetsTheStream) {
  Open();
  hostile_.Send(StreamFrameType::kFin, 1, 10);
  ExpectReset();
}

TEST_F(HostileStreamTest, ASecondEndResetsTheStream) {
  Open();
  hostile_.Send(StreamFrameType::kFin, 1, 0);
  hostile_.Send(StreamFrameType::kFin, 1, 0);
  ExpectReset();
}

TEST_F(HostileStreamTest, CreditThatIsTakenBackResetsTheStream) {
  Open();
  hostile_.Send(StreamFrameType::kCredit, 1, kPlentyBytes - 1);
  ExpectReset();
}

TEST_F(HostileStreamTest, OpeningAStreamTwiceResetsIt) {
  Open();
  hostile_.Send(StreamFrameType::kOpen, 1, kPlentyBytes, "echo");
  ExpectReset();
}

TEST_F(HostileStreamTest, EndlessCreditIsNoWindowWithoutEnd) {
  Open();
  hostile_.Send(StreamFrameType::kCredit, 1, ~uint64_t{0});
  victim_.Turn();
  Stream& stream = *victim_.accepted[0]->stream;
  EXPECT_LE(stream.WritableBytes(), StreamCore::kMaxWriteBytes);
  // The hostile one reads nothing: what is written is bounded.
  uint64_t written = 0;
  const std::string piece(30'000, 'x');
  while (const size_t taken = stream.Write(BytesOf(piece))) written += taken;
  EXPECT_LT(written, 16u << 20);
}

TEST_F(HostileStreamTest, DataBeforeTheAnswerResetsTheStreamThatWasAskedFor) {
  auto near = std::make_unique<RecordingHandler>();
  near->stream = *victim_.mux->Connect(hostile_.Id(), "x", near.get());
  hostile_.Send({.type = 3, .from_opener = 0, .reserved = 0, .stream_id = 1, .value = 0}, "x");
  victim_.Turn();
  EXPECT_TRUE(near->reset);
  EXPECT_EQ(victim_.mux->Counters().violations, 1u);
}

TEST_F(HostileStreamTest, AcceptingTwiceResetsTheStream) {
  auto near = std::make_unique<RecordingHandler>();
  near->stream = *victim_.mux->Connect(hostile_.Id(), "x", near.get());
  for (int i = 0; i < 2; ++i) {
    hostile_.Send({.type = 2, .from_opener = 0, .reserved = 0, .stream_id = 1, .value = 100});
  }
  victim_.Turn();
  EXPECT_TRUE(near->reset);
}

TEST_F(HostileStreamTest, AResetWithNonsenseIsTold) {
  Open();
  hostile_.Send(StreamFrameType::kReset, 1, 12345, "\xff\x1b[2J");
  victim_.Turn();
  ASSERT_TRUE(victim_.accepted[0]->reset);
  EXPECT_EQ(*victim_.accepted[0]->reset, absl::UnknownError("??[2J"));
}

TEST_F(HostileStreamTest, WhoOpensMoreThanAnybodyMayAndReadsNoAnswersIsIgnored) {
  constexpr size_t kLimit = 10;
  StreamNode victim(members_, "victim", {.max_streams_per_peer = kLimit});
  HandWriter hostile(members_, victim);
  for (uint32_t id = 1; victim.mux->Counters().banned_peers == 0; ++id) {
    ASSERT_LT(id, 1000u);
    hostile.Send(StreamFrameType::kOpen, id, kPlentyBytes, "refused");
    victim.Turn();
    EXPECT_LE(victim.mux->StreamCount(), 2 * kLimit);
  }
}

// All fields random, but near enough to real frames that many get far.
TEST_F(HostileStreamTest, RandomFramesHarmNobodyElse) {
  StreamNode honest(members_, "honest");
  auto stream = honest.Connect(victim_, "echo");
  Settle(honest, victim_);
  std::mt19937_64 random(20240517);
  for (int round = 0; round < 60; ++round) {
    HandWriter hostile(members_, victim_);
    for (int i = 0; i < 2000; ++i) {
      const bool nonsense = random() % 1000 == 0;
      const auto type = static_cast<uint8_t>(1 + random() % 6);
      const StreamFrameHeader header{
          .type = static_cast<uint8_t>(nonsense ? random() : type),
          .from_opener = static_cast<uint8_t>(type == 1 || (type != 2 && random() % 8 != 0)),
          .reserved = 0,
          .stream_id = static_cast<uint32_t>(random() % 8),
          .value = random() % 4 == 0 ? random() : random() % 3 * 100};
      const bool has_body = type == 1 || type == 3 || type == 6;
      hostile.Send(header, std::string(has_body ? 50 : 0, static_cast<char>(random())));
      if (random() % 8 == 0) victim_.Turn();
      if (random() % 8 == 0) hostile.Answers();
    }
    victim_.Turn();
    members_.Kill(hostile.Id());
    victim_.Turn();
    members_.Recycle(hostile.Id());
    // Drops the streams of the dead, as their users would.
    std::erase_if(victim_.accepted, [](const auto& handler) { return handler->reset.has_value(); });
  }
  EXPECT_EQ(victim_.accepted.size(), 1u);
  EXPECT_EQ(victim_.mux->StreamCount(), 1u);
  EXPECT_GT(victim_.mux->Counters().violations, 100u);
  ASSERT_EQ(stream->stream->Write(BytesOf("still here")), 10u);
  Settle(honest, victim_);
  EXPECT_EQ(victim_.accepted[0]->received, "still here");
}

// Connects to `targets` when it is told that its stream is over, as one does who tries elsewhere.
class Reconnecting final : public StreamHandler {
 public:
  Reconnecting(StreamMux& mux, std::vector<EndpointId> targets)
      : mux_(mux), targets_(std::move(targets)) {}

  void OnReadable() override {}
  void OnWritable() override {}
  void OnReset(const absl::Status&) override {
    for (EndpointId target : targets_) results.push_back(mux_.Connect(target, "again", nullptr));
  }

  std::vector<absl::StatusOr<std::unique_ptr<Stream>>> results;

 private:
  StreamMux& mux_;
  const std::vector<EndpointId> targets_;
};

// A member table that lies can let two lives of one index speak without a departure in between.
TEST(StreamLivesTest, ANewLifeOfAPeerEndsItsStreamsWhoseHandlersConnectElsewhere) {
  SimulatedMembers members;
  StreamNode victim(members, "victim"), peer(members, "peer"), far(members, "far");
  Reconnecting handler(*victim.mux, {far.Id(), peer.Id()});
  const auto stream = victim.mux->Connect(peer.Id(), "service", &handler);
  ASSERT_TRUE(stream.ok());
  const EndpointId next_life{peer.Id().index, peer.Id().incarnation + 1};
  const auto send = [&](StreamFrameType type, uint64_t value, std::string_view body) {
    const StreamFrameHeader header{.type = static_cast<uint8_t>(type),
                                   .from_opener = 1,
                                   .reserved = 0,
                                   .stream_id = 1,
                                   .value = value};
    std::string frame(reinterpret_cast<const char*>(&header), sizeof(header));
    frame += body;
    victim.mux->OnMessage(next_life, BytesOf(frame));
  };
  send(StreamFrameType::kOpen, kPlentyBytes, "service");
  send(StreamFrameType::kData, 0, "hello");
  ASSERT_EQ(handler.results.size(), 2u);
  EXPECT_TRUE(handler.results[0].ok()) << handler.results[0].status();
  EXPECT_TRUE(absl::IsUnavailable(handler.results[1].status())) << handler.results[1].status();
  ASSERT_EQ(victim.accepted.size(), 1u);
  EXPECT_EQ(victim.accepted[0]->received, "hello");
  EXPECT_EQ(victim.mux->Counters().stray_frames, 0u);
}

}  // namespace
}  // namespace tombolo

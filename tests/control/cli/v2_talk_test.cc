// What `tombolo v2` says to its like, between peers of simulated devices in one thread: while
// one of them waits, the others have their turns.
#include "control/cli/v2_talk.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/cli/v2_status.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/control/ivshmem_v2/simulated_v2.h"
#include "transport/base/units.h"
#include "transport/device/v2/v2_registers.h"
#include "transport/device/v2/v2_sections.h"
#include "transport/v2/v2_endpoint.h"

namespace tombolo::control {
namespace {

constexpr uint32_t kPeers = 3;
constexpr uint64_t kOutputBytes = (1 + kPeers) * kV2PageBytes;
constexpr int64_t kPatienceNs = 20 * kNsPerSecond;

class V2TalkTest : public testing::Test {
 protected:
  void Start(uint32_t peer, int64_t patience_ns = kPatienceNs) {
    endpoints_[peer] = *V2Endpoint::Start(devices_.DeviceOf(peer), ++incarnation_);
    talks_[peer].emplace(
        *endpoints_[peer], kPeers, [this, peer](int64_t) { return Wait(peer); }, patience_ns);
  }
  void Stop(uint32_t peer) {
    talks_[peer].reset();
    endpoints_[peer].reset();
  }
  void StartBoth() {
    Start(0);
    Start(1);
    for (int i = 0; i < 2; ++i) LookAll();
  }
  void LookAll() {
    for (const auto& endpoint : endpoints_) {
      if (endpoint) endpoint->Look();
    }
  }
  absl::Status Wait(uint32_t peer) {
    if (meanwhile_) meanwhile_();
    for (uint32_t other = 0; other < kPeers; ++other) {
      if (other != peer && talks_[other]) talks_[other]->Turn();
    }
    LookAll();
    return absl::OkStatus();
  }
  absl::StatusOr<uint64_t> Send(uint32_t from, uint32_t to, const std::string& text) {
    size_t at = 0;
    return talks_[from]->Send(to, [&](std::span<std::byte> piece) -> absl::StatusOr<size_t> {
      const size_t size_bytes = std::min(piece.size(), text.size() - at);
      memcpy(piece.data(), text.data() + at, size_bytes);
      at += size_bytes;
      return size_bytes;
    });
  }
  absl::StatusOr<uint64_t> Receive(uint32_t at, uint32_t from) {
    return talks_[at]->Receive(from, [&](std::span<const std::byte> piece) {
      received_.append(reinterpret_cast<const char*>(piece.data()), piece.size());
      return absl::OkStatus();
    });
  }
  // A message as it is, of peer 0 to peer 1.
  void SendRaw(const std::string& message) {
    endpoints_[0]->TrySend(1, std::as_bytes(std::span(message)));
  }
  static V2Sections Sections() { return *MakeV2Sections(kPeers, kV2PageBytes, kOutputBytes); }

  SimulatedV2 devices_{Sections()};
  std::array<std::unique_ptr<V2Endpoint>, kPeers> endpoints_;
  std::array<std::optional<V2Talk>, kPeers> talks_;
  std::function<void()> meanwhile_;
  std::string received_;
  uint64_t incarnation_ = 100;
};

const std::string kEndOf99("\4\x63\0\0\0\0\0\0\0", 9);

TEST_F(V2TalkTest, AnybodyWhoRunsAnswersAPing) {
  StartBoth();
  EXPECT_TRUE(talks_[0]->Ping(1, 1).ok());
  EXPECT_TRUE(talks_[1]->Ping(0, 2).ok());
}

TEST_F(V2TalkTest, APeerThatSaysNothingIsGivenUp) {
  StartBoth();
  Start(0, 0);
  talks_[1].reset();
  for (int i = 0; i < 2; ++i) LookAll();
  EXPECT_TRUE(absl::IsDeadlineExceeded(talks_[0]->Ping(1, 1).status()));
}

TEST_F(V2TalkTest, TheAnswerToAnEarlierPingIsNotTakenForThatToThisOne) {
  Start(0, 0);
  Start(1);
  for (int i = 0; i < 2; ++i) LookAll();
  SendRaw(std::string("\1\7\0\0\0\0\0\0\0", 9));
  talks_[1]->Turn();  // Answers 7.
  talks_[1].reset();
  EXPECT_TRUE(absl::IsDeadlineExceeded(talks_[0]->Ping(1, 8).status()));
}

TEST_F(V2TalkTest, APeerThatGoesIsSaidToHaveGone) {
  StartBoth();
  meanwhile_ = [this] { Stop(1); };
  EXPECT_TRUE(absl::IsAborted(talks_[0]->Ping(1, 1).status()));
}

TEST_F(V2TalkTest, OnlyPeersThatThereCanBeAreWaitedFor) {
  Start(0, 0);
  EXPECT_TRUE(absl::IsInvalidArgument(talks_[0]->AwaitPeer(0))) << "oneself";
  EXPECT_TRUE(absl::IsInvalidArgument(talks_[0]->AwaitPeer(kPeers)));
  EXPECT_TRUE(absl::IsDeadlineExceeded(talks_[0]->AwaitPeer(1)));
}

TEST_F(V2TalkTest, APeerThatComesLaterIsWaitedFor) {
  Start(0);
  meanwhile_ = [this] {
    if (!endpoints_[1]) Start(1);
  };
  EXPECT_TRUE(talks_[0]->AwaitPeer(1).ok());
}

TEST_F(V2TalkTest, WhatAPeerSaysAsSoonAsItIsThereIsNotLost) {
  Start(1);
  meanwhile_ = [this] {
    if (endpoints_[0]) return;
    Start(0);
    for (int i = 0; i < 2; ++i) LookAll();
    SendRaw("\3abc");
    SendRaw(std::string("\4\3\0\0\0\0\0\0\0", 9));
  };
  ASSERT_TRUE(talks_[1]->AwaitPeer(0).ok());
  meanwhile_ = [this] { Stop(0); };
  EXPECT_TRUE(Receive(1, 0).ok());
  EXPECT_EQ(received_, "abc");
}

TEST_F(V2TalkTest, AStreamLongerThanALinkArrivesWhole) {
  StartBoth();
  std::string text(300'001, 0);
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 31 >> 3);
  std::optional<absl::StatusOr<uint64_t>> sent;
  meanwhile_ = [&] {
    if (sent) return;
    sent = absl::UnknownError("begun");
    sent = Send(0, 1, text);
    Stop(0);
  };
  const auto received = Receive(1, 0);
  ASSERT_TRUE(received.ok()) << received.status();
  ASSERT_TRUE(sent->ok()) << sent->status();
  EXPECT_EQ(*received, text.size());
  EXPECT_EQ(**sent, text.size());
  EXPECT_TRUE(received_ == text);
}

TEST_F(V2TalkTest, AStreamMayBeEmpty) {
  StartBoth();
  bool is_begun = false;
  meanwhile_ = [&] {
    if (std::exchange(is_begun, true)) return;
    EXPECT_TRUE(Send(0, 1, "").ok());
    Stop(0);
  };
  EXPECT_TRUE(Receive(1, 0).ok());
}

TEST_F(V2TalkTest, WhoSendsToAPeerThatDoesNotReceiveIsTold) {
  StartBoth();
  const auto sent = Send(0, 1, "hello");
  EXPECT_TRUE(absl::IsAborted(sent.status()));
  EXPECT_NE(sent.status().message().find("took 0 of 5 bytes"), std::string::npos) << sent.status();
}

TEST_F(V2TalkTest, AStreamWhoseSenderGoesIsNoWholeOne) {
  StartBoth();
  SendRaw("\3abc");
  meanwhile_ = [this] { Stop(0); };
  EXPECT_TRUE(absl::IsAborted(Receive(1, 0).status()));
  EXPECT_EQ(received_, "abc");
}

TEST_F(V2TalkTest, AnEndThatClaimsMoreThanHasComeIsDataLoss) {
  StartBoth();
  SendRaw("\3abc");
  SendRaw(kEndOf99);
  meanwhile_ = [this] { Stop(0); };
  EXPECT_TRUE(absl::IsDataLoss(Receive(1, 0).status()));
}

TEST_F(V2TalkTest, AStreamThatCannotBeWrittenEndsWithThatError) {
  StartBoth();
  SendRaw("\3abc");
  const auto received = talks_[1]->Receive(
      0, [](std::span<const std::byte>) { return absl::ResourceExhaustedError("full"); });
  EXPECT_TRUE(absl::IsResourceExhausted(received.status()));
}

TEST_F(V2TalkTest, MessagesThatMakeNoSenseAreDropped) {
  StartBoth();
  for (const char* message : {"", "\1", "\1short", "\5longer than nine", "\x9unknown", "\3data"}) {
    SendRaw(message);
  }
  talks_[1]->Turn();
  std::array<std::byte, kV2MaxMessageBytes> answer;
  EXPECT_FALSE(endpoints_[0]->TryReceive(1, answer)) << "none of them is answered";
  EXPECT_TRUE(talks_[0]->Ping(1, 1).ok());
}

TEST_F(V2TalkTest, WhatEndsTheWaitEndsTheServing) {
  Start(0);
  V2Talk served(
      *endpoints_[0], kPeers, [](int64_t) { return absl::CancelledError("^C"); }, kPatienceNs);
  EXPECT_TRUE(absl::IsCancelled(served.Serve()));
}

// What `tombolo v2 status` tells.

class V2StatusTest : public V2TalkTest {
 protected:
  V2Status Read() {
    V2Status status = *ReadV2Status(devices_.DeviceOf(1));
    status.address = "0000:01:00.0";
    status.protocol = 0x8003;
    status.vectors = 2;
    return status;
  }
};

TEST_F(V2StatusTest, TheTextTellsPeersAndStates) {
  StartBoth();
  devices_.DeviceOf(2).SetState(77);
  EXPECT_EQ(V2StatusText(Read(), false),
            "device    0000:01:00.0, peer 1 of 3, 2 vectors\n"
            "protocol  0x8003, virtio-front-end\n"
            "sections  4 KiB that all write, 16 KiB that each peer writes\n"
            "\n"
            "PEER  STATE  \n"
            "0     3      run\n"
            "1     3      run, this machine\n"
            "2     77     other\n");
}

TEST_F(V2StatusTest, TheJsonTellsTheSame) {
  devices_.DeviceOf(0).SetState(kV2StateInit);
  const auto json = nlohmann::json::parse(V2StatusJson(Read()));
  EXPECT_EQ(json["id"], 1);
  EXPECT_EQ(json["max_peers"], kPeers);
  EXPECT_EQ(json["output_bytes"], kOutputBytes);
  EXPECT_EQ(json["protocol"], 0x8003);
  EXPECT_EQ(json["peers"][0], (nlohmann::json{{"id", 0}, {"state", 1}, {"state_name", "init"}}));
}

TEST_F(V2StatusTest, ADeviceThatIsGoneIsNotTakenForAPeer) {
  devices_.SetUnplugged(1);
  EXPECT_TRUE(absl::IsFailedPrecondition(ReadV2Status(devices_.DeviceOf(1)).status()));
}

}  // namespace
}  // namespace tombolo::control

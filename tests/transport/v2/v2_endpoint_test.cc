// Messages between the peers of simulated ivshmem v2 devices, in which a store to another peer's
// section is a SIGSEGV: that nobody needs one is a part of each test.
#include "transport/v2/v2_endpoint.h"

#include <array>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>

#include "gtest/gtest.h"
#include "tests/control/ivshmem_v2/simulated_v2.h"
#include "transport/device/v2/v2_registers.h"
#include "transport/device/v2/v2_sections.h"
#include "transport/layout/link.h"
#include "transport/layout/v2_output.h"

namespace tombolo {
namespace {

using control::SimulatedV2;
using SendResult = V2Endpoint::SendResult;

constexpr uint32_t kPeers = 3;
constexpr uint64_t kOutputBytes = (1 + kPeers) * kV2PageBytes;

std::span<const std::byte> BytesOf(const std::string& text) {
  return std::as_bytes(std::span(text));
}

class V2EndpointTest : public testing::Test {
 protected:
  void Start(uint32_t peer) {
    endpoints_[peer].reset();
    auto endpoint = V2Endpoint::Start(devices_.DeviceOf(peer), ++incarnation_);
    ASSERT_TRUE(endpoint.ok()) << endpoint.status();
    endpoints_[peer] = *std::move(endpoint);
  }
  // Its endpoint does nothing more, as after kill -9; its machine goes on or not.
  void Kill(uint32_t peer) {
    devices_.Bus().Disconnect(peer);
    devices_.Bus().Break(peer);
    endpoints_[peer].reset();  // Its last words are lost.
    devices_.Bus().Connect(peer);
  }
  void Meet() {
    for (int i = 0; i < 2; ++i) {
      for (const auto& endpoint : endpoints_) {
        if (endpoint) endpoint->Look();
      }
    }
  }
  void StartAll() {
    for (uint32_t peer = 0; peer < kPeers; ++peer) Start(peer);
    Meet();
  }
  SendResult Send(uint32_t from, uint32_t to, const std::string& text) {
    return endpoints_[from]->TrySend(to, BytesOf(text));
  }
  // "-": there is none.
  std::string Receive(uint32_t at, uint32_t from) {
    std::array<std::byte, kV2MaxMessageBytes> buffer;
    const std::optional<size_t> size_bytes = endpoints_[at]->TryReceive(from, buffer);
    if (!size_bytes) return "-";
    return std::string(reinterpret_cast<const char*>(buffer.data()), *size_bytes);
  }
  V2OutputPage& Page(uint32_t peer) {
    return *reinterpret_cast<V2OutputPage*>(devices_.Memory().data() +
                                            Sections().OutputOffset(peer));
  }
  Link& LinkOf(uint32_t from, uint32_t to) {
    return *reinterpret_cast<Link*>(devices_.Memory().data() + Sections().OutputOffset(from) +
                                    (1 + to) * kV2PageBytes);
  }
  static V2Sections Sections() { return *MakeV2Sections(kPeers, kV2PageBytes, kOutputBytes); }

  SimulatedV2 devices_{Sections()};
  std::array<std::unique_ptr<V2Endpoint>, kPeers> endpoints_;
  uint64_t incarnation_ = 100;
};

TEST_F(V2EndpointTest, StatesGoFromResetToReadyToRun) {
  Start(0);
  EXPECT_EQ(devices_.Bus().State(0), kV2StateReady);
  endpoints_[0]->Look();
  EXPECT_EQ(devices_.Bus().State(0), kV2StateReady) << "there is nobody to run with";
  Start(1);
  Meet();
  EXPECT_EQ(devices_.Bus().State(0), kV2StateRun);
  EXPECT_EQ(devices_.Bus().State(1), kV2StateRun);
  endpoints_[1].reset();
  EXPECT_EQ(devices_.Bus().State(1), kV2StateReset);
  EXPECT_TRUE(devices_.Taken(0, kV2StateVector));
  endpoints_[0]->Look();
  EXPECT_EQ(devices_.Bus().State(0), kV2StateReady);
}

TEST_F(V2EndpointTest, MessagesArriveInTheirOrderFromEachPeer) {
  StartAll();
  EXPECT_EQ(Send(0, 2, "first"), SendResult::kSent);
  EXPECT_EQ(Send(0, 2, ""), SendResult::kSent);
  EXPECT_EQ(Send(1, 2, "of another"), SendResult::kSent);
  EXPECT_EQ(Receive(2, 0), "first");
  EXPECT_EQ(Receive(2, 0), "");
  EXPECT_EQ(Receive(2, 0), "-");
  EXPECT_EQ(Receive(2, 1), "of another");
  EXPECT_EQ(Receive(1, 0), "-");
}

TEST_F(V2EndpointTest, ManyMessagesOfAllSizesGoThroughASmallSection) {
  StartAll();
  std::mt19937 random(1);  // The same each time.
  std::deque<std::string> under_way;
  int received = 0;
  for (int i = 0; i < 20000; ++i) {
    if (random() % 2 == 0) {
      const std::string text(random() % (kV2MaxMessageBytes + 1), static_cast<char>('a' + i % 26));
      if (Send(0, 1, text) == SendResult::kSent) under_way.push_back(text);
    } else if (const std::string text = Receive(1, 0); text != "-") {
      ASSERT_EQ(text, under_way.front());
      under_way.pop_front();
      ++received;
    }
  }
  EXPECT_GT(received, 5000);
}

TEST_F(V2EndpointTest, AFullLinkTakesMoreWhenTheReceiverHasRead) {
  StartAll();
  const std::string text(kV2MaxMessageBytes, 'x');
  EXPECT_EQ(Send(0, 1, text), SendResult::kSent);
  EXPECT_EQ(Send(0, 1, text), SendResult::kSent);
  EXPECT_EQ(Send(0, 1, text), SendResult::kFull);
  EXPECT_EQ(Receive(1, 0), text);
  EXPECT_EQ(Receive(1, 0), text);
  EXPECT_EQ(Send(0, 1, text), SendResult::kSent);
}

TEST_F(V2EndpointTest, WhatNobodyCanTakeIsRefused) {
  Start(0);
  endpoints_[0]->Look();
  EXPECT_EQ(Send(0, 1, "x"), SendResult::kAbsent);
  EXPECT_EQ(Send(0, 0, "x"), SendResult::kAbsent);
  EXPECT_EQ(Send(0, 77, "x"), SendResult::kAbsent);
  EXPECT_EQ(Send(0, 1, std::string(kV2MaxMessageBytes + 1, 'x')), SendResult::kTooLarge);
}

TEST_F(V2EndpointTest, OnlyASleeperIsRung) {
  StartAll();
  Send(0, 1, "x");
  EXPECT_FALSE(devices_.Taken(1, kV2MessageVector));
  EXPECT_FALSE(endpoints_[1]->Park()) << "there is a message";
  EXPECT_EQ(Receive(1, 0), "x");
  EXPECT_TRUE(endpoints_[1]->Park());
  Send(0, 1, "y");
  EXPECT_TRUE(devices_.Taken(1, kV2MessageVector));
  endpoints_[1]->Unpark();
  Send(0, 1, "z");
  EXPECT_FALSE(devices_.Taken(1, kV2MessageVector));
}

TEST_F(V2EndpointTest, AKilledPeerBeginsAnew) {
  StartAll();
  Send(0, 1, "to the old one");
  Send(1, 0, "of the old one");
  Kill(1);
  endpoints_[0]->Look();
  EXPECT_FALSE(endpoints_[0]->IsThere(1));
  EXPECT_EQ(Receive(0, 1), "-");
  Start(1);
  Meet();
  EXPECT_EQ(Receive(1, 0), "-");
  Send(0, 1, "to the new one");
  Send(1, 0, "of the new one");
  EXPECT_EQ(Receive(1, 0), "to the new one");
  EXPECT_EQ(Receive(0, 1), "of the new one");
}

TEST_F(V2EndpointTest, WhoMissesThatAPeerBeganAnewTakesNothingOfItTwice) {
  StartAll();
  for (int i = 0; i < 40; ++i) {
    Send(1, 0, "old");
    EXPECT_EQ(Receive(0, 1), "old");
  }
  devices_.SetLossy(true);
  Start(1);
  endpoints_[1]->Look();  // Peer 0 does not look.
  Send(1, 0, "new");
  EXPECT_EQ(Receive(0, 1), "-");
  Send(0, 1, "for the old one");
  EXPECT_EQ(Receive(1, 0), "-");
  Meet();
  EXPECT_EQ(Receive(0, 1), "new");
  EXPECT_EQ(Receive(0, 1), "-");
  Send(0, 1, "for the new one");
  EXPECT_EQ(Receive(1, 0), "for the new one");
}

TEST_F(V2EndpointTest, TheFirstMessageOfOneWhoBeganAnewIsNotTakenForOneOfTheOld) {
  StartAll();
  EXPECT_EQ(Receive(0, 1), "-");
  Start(1);
  endpoints_[1]->Look();  // Peer 0 does not look, and waits where this message comes.
  Send(1, 0, "new");
  EXPECT_EQ(Receive(0, 1), "-");
  Meet();
  EXPECT_EQ(Receive(0, 1), "new");
  EXPECT_EQ(Receive(0, 1), "-");
}

TEST_F(V2EndpointTest, AnUnpluggedDeviceIsAnErrorAtTheStart) {
  devices_.SetUnplugged(0);
  const auto endpoint = V2Endpoint::Start(devices_.DeviceOf(0), 1);
  ASSERT_FALSE(endpoint.ok());
  EXPECT_NE(endpoint.status().message().find("start this virtual machine again"),
            std::string::npos);
}

TEST_F(V2EndpointTest, SectionsThatAreTooSmallAreAnError) {
  SimulatedV2 small(*MakeV2Sections(kPeers, 0, kOutputBytes - kV2PageBytes));
  const auto endpoint = V2Endpoint::Start(small.DeviceOf(0), 1);
  ASSERT_FALSE(endpoint.ok());
  EXPECT_NE(endpoint.status().message().find("12288 bytes, expected at least 16384"),
            std::string::npos);
}

// Hostile peers.

TEST_F(V2EndpointTest, AHeaderThatMakesNoSenseDropsThePeer) {
  StartAll();
  LinkOf(1, 0).cells[0].header.store(0x00010001ff00ffff, std::memory_order_relaxed);
  EXPECT_EQ(Receive(0, 1), "-");
  EXPECT_FALSE(endpoints_[0]->IsThere(1));
  Meet();
  EXPECT_FALSE(endpoints_[0]->IsThere(1)) << "it is as it was";
  Start(1);
  Meet();
  Send(1, 0, "well");
  EXPECT_EQ(Receive(0, 1), "well");
}

TEST_F(V2EndpointTest, DescriptorsOfMemoryElsewhereAreNoMessages) {
  StartAll();
  for (const CellKind kind : {CellKind::kBulk, CellKind::kLoan}) {
    const auto length = kind == CellKind::kBulk ? sizeof(BulkDescriptor) : sizeof(LoanDescriptor);
    const CellHeader header{
        .length = static_cast<uint32_t>(length), .cells = 1, .kind = kind, .tag = 0, .lap = 1};
    LinkOf(1, 0).cells[0].header.store(Pack(header), std::memory_order_relaxed);
    EXPECT_EQ(Receive(0, 1), "-");
    EXPECT_FALSE(endpoints_[0]->IsThere(1));
    Start(1);
    Meet();
  }
}

TEST_F(V2EndpointTest, CreditsThatMakeNoSenseDropThePeer) {
  StartAll();
  Page(1).peers[0].consumed_cells.store(1000, std::memory_order_relaxed);
  const std::string text(kV2MaxMessageBytes, 'x');
  while (Send(0, 1, text) == SendResult::kSent) {
  }
  EXPECT_EQ(Send(0, 1, text), SendResult::kAbsent);
  EXPECT_EQ(Send(0, 2, text), SendResult::kSent) << "others are not concerned";
}

TEST_F(V2EndpointTest, SectionsOfAnotherKindAreNobody) {
  StartAll();
  Page(1).header.version.store(kV2OutputVersion + 1, std::memory_order_relaxed);
  endpoints_[0]->Look();
  EXPECT_FALSE(endpoints_[0]->IsThere(1));
}

}  // namespace
}  // namespace tombolo

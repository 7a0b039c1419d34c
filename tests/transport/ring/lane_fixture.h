// LaneTest: a zeroed link with both sides, and short words for what tests do to them.
#pragma once

#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "transport/layout/link.h"
#include "transport/ring/small_lane.h"

namespace tombolo {

// The payload that fills exactly `cells` cells.
constexpr size_t PayloadOf(uint32_t cells) { return cells * kCellBytes - kCellHeaderBytes; }

class LaneTest : public testing::Test {
 protected:
  SmallClaim Claim(size_t payload_bytes) {
    SmallClaim claim;
    EXPECT_TRUE(producer_.TryClaim(payload_bytes, claim)) << payload_bytes << " bytes";
    return claim;
  }

  bool CanClaim(size_t payload_bytes) {
    SmallClaim claim;
    return producer_.TryClaim(payload_bytes, claim);
  }

  void Publish(const SmallClaim& claim, std::string_view text) {
    text.copy(reinterpret_cast<char*>(claim.payload), text.size());
    SmallLaneProducer::Publish(claim, CellKind::kInline, 0, text.size());
  }

  void Send(std::string_view text) { Publish(Claim(text.size()), text); }

  // The front message's text, in place: "(empty)" and "(poisoned)" are the other answers.
  std::string Front() {
    SmallMessage message;
    switch (consumer_.Front(message)) {
      case FrontResult::kEmpty:
        return "(empty)";
      case FrontResult::kPoisoned:
        return "(poisoned)";
      case FrontResult::kMessage:
        return {reinterpret_cast<const char*>(message.payload.data()), message.payload.size()};
    }
    return "(nonsense)";
  }

  std::string Receive() {
    const std::string text = Front();
    consumer_.Release();
    return text;
  }

  // Sends and receives one message of `cells` cells, credits included.
  void Pass(uint32_t cells) {
    const std::string text(PayloadOf(cells), 'p');
    Send(text);
    ASSERT_EQ(Receive(), text);
    consumer_.PublishCredits();
  }

  uint64_t RawHeader(uint32_t cell) const {
    return link_.cells[cell].header.load(std::memory_order_relaxed);
  }
  CellHeader Header(uint32_t cell) const { return UnpackCellHeader(RawHeader(cell)); }
  void SetHeader(uint32_t cell, const CellHeader& header) {
    link_.cells[cell].header.store(Pack(header), std::memory_order_relaxed);
  }

  alignas(kExtentBytes) Link link_{};
  SmallLaneProducer producer_{link_};
  SmallLaneConsumer consumer_{link_};
};

}  // namespace tombolo

#include "bench/transport/one_core.h"

#include <string.h>

#include <span>

#include "bench/transport/require.h"
#include "transport/base/clock.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::bench {
namespace {

class Sum final : public ChannelHandler {
 public:
  void OnMessage(EndpointId, uint8_t, std::span<const std::byte> payload) override {
    uint64_t word = 0;
    memcpy(&word, payload.data(), sizeof(word));
    total += word;
  }
  void OnDeparted(EndpointId) override { Fail("a member has departed"); }

  uint64_t total = 0;
};

}  // namespace

void OneCore::Prepare(Side side) {
  if (side == Side::kFollow) return;
  members_ = std::make_unique<SimulatedMembers>();
  sender_endpoint_ = members_->Join("sender");
  receiver_endpoint_ = members_->Join("receiver");
  sender_ = Require(Channel::Create(*sender_endpoint_));
  receiver_ = Require(Channel::Create(*receiver_endpoint_));
  Require(sender_->Open(receiver_->Self()));
}

double OneCore::Lead() {
  Sum sum;
  const int64_t start_ns = MonotonicNs();
  for (uint64_t i = 1; i <= kMessages; ++i) {
    Claim claim;
    if (!sender_->TryClaim(receiver_->Self(), sizeof(i), claim)) Fail("a link has no room");
    memcpy(claim.payload.data(), &i, sizeof(i));
    sender_->Publish(claim, 1, sizeof(i));
    receiver_->Poll(sum);
  }
  const int64_t duration_ns = MonotonicNs() - start_ns;
  if (sum.total != kMessages * (kMessages + 1) / 2) Fail("messages were lost");
  return static_cast<double>(duration_ns) / static_cast<double>(kMessages);
}

}  // namespace tombolo::bench

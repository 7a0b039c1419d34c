#include "bench/transport/loan_latency.h"

#include <string.h>

#include <string>

#include "bench/transport/require.h"
#include "bench/transport/spin.h"
#include "transport/base/clock.h"

namespace tombolo::bench {

LoanLatency::LoanLatency(size_t loan_bytes)
    : Measurement("link/loan/" + std::to_string(loan_bytes), "ns"), loan_bytes_(loan_bytes) {}

void LoanLatency::Prepare(Side side) {
  members_.Open(side);
  if (side == Side::kLead) buffer_ = Require(members_.Own().Allocate(loan_bytes_));
}

void LoanLatency::LendOnce() {
  LendResult result = LendResult::kNoCredits;
  while (result != LendResult::kLent) {
    result =
        Require(members_.Own().TryLend(members_.Peer(), buffer_, 0, loan_bytes_, /*tag=*/1, 0));
    // Credits, and the loans that were given back.
    if (result != LendResult::kLent) members_.Own().Poll(*this);
  }
}

void LoanLatency::Answer() {
  Claim claim;
  SpinUntil([&] { return members_.Own().TryClaim(members_.Peer(), sizeof(uint64_t), claim); });
  memset(claim.payload.data(), 1, claim.payload.size());
  members_.Own().Publish(claim, 1, claim.payload.size());
}

void LoanLatency::AwaitMessage() {
  while (!came_) members_.Own().Poll(*this);
  came_ = false;
}

double LoanLatency::Lead() {
  const int64_t start_ns = MonotonicNs();
  for (uint64_t i = 0; i < kRoundTrips; ++i) {
    LendOnce();
    AwaitMessage();
  }
  return static_cast<double>(MonotonicNs() - start_ns) / (2.0 * kRoundTrips);
}

void LoanLatency::Follow() {
  for (uint64_t i = 0; i < kRoundTrips; ++i) {
    AwaitMessage();
    Answer();
  }
}

void LoanLatency::OnMessage(EndpointId, uint8_t, std::span<const std::byte>) { came_ = true; }

void LoanLatency::OnDeparted(EndpointId) { Fail("the peer of a link has departed"); }

}  // namespace tombolo::bench

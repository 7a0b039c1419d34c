// A loan goes there and a message of 8 bytes comes back; half of that time in nanoseconds. The
// borrower gives the loan back without a look at it: what is measured is that nothing is copied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "bench/transport/measurement.h"
#include "bench/transport/two_members.h"
#include "transport/channel/channel.h"

namespace tombolo::bench {

class LoanLatency final : public Measurement, private ChannelHandler {
 public:
  explicit LoanLatency(size_t loan_bytes);

  void Prepare(Side side) override;
  double Lead() override;
  void Follow() override;

 private:
  static constexpr uint64_t kRoundTrips = 1000;

  void LendOnce();
  void Answer();
  void AwaitMessage();

  void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) override;
  void OnDeparted(EndpointId peer) override;

  const size_t loan_bytes_;
  TwoMembers members_;
  RegionBuffer buffer_;
  bool came_ = false;
};

}  // namespace tombolo::bench

// What a message costs in instructions alone: both endpoints live in one thread, so that no cache
// line ever moves. Nanoseconds per message, claimed, published, polled and released.
#pragma once

#include <cstdint>
#include <memory>

#include "bench/transport/measurement.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"

namespace tombolo::bench {

class OneCore final : public Measurement {
 public:
  OneCore() : Measurement("link/one_core/8", "ns") {}

  void Prepare(Side side) override;
  double Lead() override;

 private:
  static constexpr uint64_t kMessages = 10'000;

  std::unique_ptr<SimulatedMembers> members_;
  std::unique_ptr<Endpoint> sender_endpoint_;
  std::unique_ptr<Endpoint> receiver_endpoint_;
  std::unique_ptr<Channel> sender_;
  std::unique_ptr<Channel> receiver_;
};

}  // namespace tombolo::bench

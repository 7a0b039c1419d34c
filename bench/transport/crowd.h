// What a poll costs an endpoint, by how many links it has that are parked. Nanoseconds per poll.
//
// It needs no second process: all senders live in this one, and none of them sends any more.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/transport/measurement.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"

namespace tombolo::bench {

class PollCost final : public Measurement {
 public:
  explicit PollCost(uint32_t idle_links);

  void Prepare(Side side) override;
  double Lead() override;

 private:
  static constexpr uint64_t kPolls = 4000;

  struct Member {
    std::unique_ptr<Endpoint> endpoint;
    std::unique_ptr<Channel> channel;
  };

  Member Join(const std::string& name);
  void SendOnce(Member& sender);
  void ParkAll();

  const uint32_t idle_links_;
  std::unique_ptr<SimulatedMembers> members_;
  Member receiver_;
  std::vector<Member> senders_;
};

}  // namespace tombolo::bench

// A region in which two endpoints live, one for each process of a pair.
#pragma once

#include <cstdint>
#include <memory>

#include "bench/transport/measurement.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::bench {

class TwoMembers {
 public:
  TwoMembers();

  // After the processes have parted: maps the region in this one.
  void Open(Side side);

  // After both have opened.
  Channel& Own() { return *channel_; }
  EndpointId Peer() const { return peer_; }
  const Region& SharedRegion() const { return endpoint_->SharedRegion(); }

 private:
  SimulatedMembers members_;
  EndpointId lead_;
  EndpointId follow_;
  EndpointId peer_;
  std::unique_ptr<Endpoint> endpoint_;
  std::unique_ptr<Channel> channel_;
};

}  // namespace tombolo::bench

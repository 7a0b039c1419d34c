// idle_wakeups SECONDS: an endpoint to which nobody sends sleeps that long; prints how often a
// second it woke, in the form of transport_pair. The first seconds, in which its sleeps get longer,
// do not count.
#include <stdio.h>
#include <stdlib.h>

#include <memory>
#include <span>

#include "bench/transport/require.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/layout/counters.h"

namespace tombolo::bench {
namespace {

constexpr int64_t kSettleNs = 2 * kNsPerSecond;

class NoHandler final : public ChannelHandler {
 public:
  void OnMessage(EndpointId, uint8_t, std::span<const std::byte>) override {}
  void OnDeparted(EndpointId) override { Fail("a member has departed"); }
};

// Lives as an endpoint does that has nothing to do; gives how often it fell asleep, by its counter.
uint64_t LiveIdle(Endpoint& endpoint, Channel& channel, int64_t duration_ns) {
  const SharedU64& sleeps = endpoint.SharedRegion().Counters(endpoint.Id().index).sleeps;
  const uint64_t before = sleeps.load(std::memory_order_relaxed);
  NoHandler handler;
  const int64_t end_ns = MonotonicNs() + duration_ns;
  while (MonotonicNs() < end_ns) {
    channel.Sleep(kNsPerSecond);
    channel.Poll(handler);
  }
  return sleeps.load(std::memory_order_relaxed) - before;
}

int Main(int argc, char** argv) {
  const int seconds = argc == 2 ? atoi(argv[1]) : 0;
  if (seconds <= 0) Fail("usage: idle_wakeups SECONDS");
  SimulatedMembers members;
  const std::unique_ptr<Endpoint> endpoint = members.Join("idle");
  const std::unique_ptr<Channel> channel = Require(Channel::Create(*endpoint));
  LiveIdle(*endpoint, *channel, kSettleNs);
  const uint64_t sleeps = LiveIdle(*endpoint, *channel, seconds * kNsPerSecond);
  printf("{\"name\": \"link/idle_wakeups\", \"unit\": \"/s\", \"value\": %.9g}\n",
         static_cast<double>(sleeps) / seconds);
  return 0;
}

}  // namespace
}  // namespace tombolo::bench

int main(int argc, char** argv) { return tombolo::bench::Main(argc, argv); }

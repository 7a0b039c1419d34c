// transport_pair ROUNDS [NAME]: everything that two processes measure of the transport, round by
// round (pair.h says what it prints). With a NAME only what it is the beginning of: for a profiler.
#include <stdlib.h>

#include <memory>
#include <string_view>
#include <vector>

#include "bench/transport/bare_copy.h"
#include "bench/transport/bare_pipeline.h"
#include "bench/transport/bare_round_trip.h"
#include "bench/transport/call_latency.h"
#include "bench/transport/crowd.h"
#include "bench/transport/link_wire.h"
#include "bench/transport/loan_latency.h"
#include "bench/transport/one_core.h"
#include "bench/transport/pair.h"
#include "bench/transport/queue_wire.h"
#include "bench/transport/require.h"
#include "bench/transport/socket_wire.h"
#include "bench/transport/wakeup.h"
#include "bench/transport/wire_measurements.h"
#include "transport/base/units.h"

namespace tombolo::bench {
namespace {

using Measurements = std::vector<std::unique_ptr<Measurement>>;

constexpr size_t kMessageBytes[] = {8, 256, 4 * kKiB, 64 * kKiB, kMiB};

void AddBareLimits(Measurements& measurements) {
  measurements.push_back(std::make_unique<BareRoundTrip>());
  measurements.push_back(std::make_unique<BareCopy>());
  for (size_t ring_bytes = 256 * kKiB; ring_bytes <= 8 * kMiB; ring_bytes *= 2) {
    for (size_t chunk_bytes = 32 * kKiB; chunk_bytes <= 128 * kKiB; chunk_bytes *= 2) {
      measurements.push_back(std::make_unique<BarePipeline>(ring_bytes, chunk_bytes));
    }
  }
}

void AddWakeups(Measurements& measurements) {
  measurements.push_back(std::make_unique<BareWakeup>());
  measurements.push_back(std::make_unique<LinkWakeup>());
}

void AddPolls(Measurements& measurements) {
  for (const uint32_t idle_links : {0u, 1000u}) {
    measurements.push_back(std::make_unique<PollCost>(idle_links));
  }
}

void AddWire(Measurements& measurements, const std::shared_ptr<Wire>& wire) {
  for (const size_t message_bytes : kMessageBytes) {
    measurements.push_back(std::make_unique<WireLatency>(wire, message_bytes));
    measurements.push_back(std::make_unique<WireRate>(wire, message_bytes));
  }
}

int Main(int argc, char** argv) {
  const int rounds = argc == 2 || argc == 3 ? atoi(argv[1]) : 0;
  if (rounds <= 0) Fail("usage: transport_pair ROUNDS [NAME]");
  Measurements measurements;
  AddBareLimits(measurements);
  AddWakeups(measurements);
  AddPolls(measurements);
  measurements.push_back(std::make_unique<OneCore>());
  for (const size_t loan_bytes : {4 * kKiB, kMiB}) {
    measurements.push_back(std::make_unique<LoanLatency>(loan_bytes));
  }
  for (const size_t window_bytes : {size_t{0}, 64 * kKiB}) {
    measurements.push_back(std::make_unique<CallLatency>(window_bytes));
  }
  AddWire(measurements, std::make_shared<LinkWire>());
  AddWire(measurements, SocketWire::UnixStream());
  AddWire(measurements, SocketWire::UnixSeqpacket());
  AddWire(measurements, SocketWire::LoopbackTcp());
  AddWire(measurements, std::make_shared<QueueWire>());
  if (argc == 3) {
    const std::string_view name(argv[2]);
    std::erase_if(measurements, [&](const auto& one) { return !one->Name().starts_with(name); });
  }
  RunInPair(measurements, rounds);
  return 0;
}

}  // namespace
}  // namespace tombolo::bench

int main(int argc, char** argv) { return tombolo::bench::Main(argc, argv); }

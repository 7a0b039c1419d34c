// One process lends another 16 MiB, which sums them up where they are: nothing is copied.
//
//   lend BROKER_SOCKET         (twice; the one that is started first waits)
#include <cstdio>
#include <cstdlib>

#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/membership_view.h"

namespace {

using namespace tombolo;  // NOLINT(google-build-using-namespace): an example, and short.

constexpr uint64_t kBytes = 16 * kMiB;

template <typename T>
T OrDie(absl::StatusOr<T> result) {
  if (result.ok()) return *std::move(result);
  fprintf(stderr, "lend: %s\n", result.status().ToString().c_str());
  exit(1);
}

struct Handler final : ChannelHandler {
  void OnMessage(EndpointId source, uint8_t, std::span<const std::byte> bytes) override {
    uint64_t sum = 0;
    for (std::byte byte : bytes) sum += static_cast<uint64_t>(byte);
    printf("endpoint %u lends %zu bytes; their sum is %lu\n", source.index, bytes.size(), sum);
    done = true;
  }
  void OnReturned(EndpointId, uint64_t) override { done = true; }
  void OnDeparted(EndpointId) override { done = true; }

  bool done = false;
};

void Lend(Channel& channel, EndpointId to) {
  const RegionBuffer buffer = OrDie(channel.Allocate(kBytes));
  for (std::byte& byte : buffer.bytes) byte = std::byte{3};
  if (!channel.Open(to).ok()) exit(1);
  OrDie(channel.TryLend(to, buffer, 0, kBytes, /*tag=*/1, /*cookie=*/0));
}

}  // namespace

int main(int argc, char** argv) {
  const auto endpoint = OrDie(Endpoint::Attach(argc > 1 ? argv[1] : kDefaultBrokerSocket, "lend"));
  const auto channel = OrDie(Channel::Create(*endpoint));
  printf("I am endpoint %u\n", endpoint->Id().index);
  fflush(stdout);
  for (const EndpointInfo& peer : LiveEndpoints(endpoint->SharedRegion())) {
    if (peer.name == "lend" && peer.id != endpoint->Id()) Lend(*channel, peer.id);
  }
  Handler handler;
  while (!handler.done) channel->Wait(handler, kNsPerSecond);
  return 0;
}

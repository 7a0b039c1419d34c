// One process sends another 256 MiB in chunks of 4 MiB, each with a checksum that the receiver
// compares: four chunks are out at most, and each is filled again when it has come back.
//
//   chunks BROKER_SOCKET         (twice; the one that is started first receives)
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>

#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/membership_view.h"

namespace {

using namespace tombolo;  // NOLINT(google-build-using-namespace): an example, and short.

constexpr uint64_t kChunkBytes = 4 * kMiB;
constexpr uint64_t kChunks = 64;
constexpr uint64_t kCredits = 4;

template <typename T>
T OrDie(absl::StatusOr<T> result) {
  if (result.ok()) return *std::move(result);
  fprintf(stderr, "chunks: %s\n", result.status().ToString().c_str());
  exit(1);
}

// FNV-1a over words: the last word of a chunk is that of all before it.
uint64_t Checksum(std::span<const std::byte> bytes) {
  uint64_t sum = 0xcbf29ce484222325;
  for (size_t at = 0; at + sizeof(uint64_t) < bytes.size(); at += sizeof(uint64_t)) {
    uint64_t word;
    memcpy(&word, bytes.data() + at, sizeof(word));
    sum = (sum ^ word) * 0x100000001b3;
  }
  return sum;
}

void FillIn(std::span<std::byte> chunk, uint64_t seed) {
  for (size_t at = 0; at < chunk.size(); at += sizeof(seed)) {
    seed = seed * 6364136223846793005 + 1442695040888963407;
    memcpy(chunk.data() + at, &seed, sizeof(seed));
  }
  const uint64_t sum = Checksum(chunk);
  memcpy(chunk.data() + chunk.size() - sizeof(sum), &sum, sizeof(sum));
}

struct Handler final : ChannelHandler {
  void OnMessage(EndpointId, uint8_t, std::span<const std::byte> chunk) override {
    uint64_t sum;
    memcpy(&sum, chunk.data() + chunk.size() - sizeof(sum), sizeof(sum));
    ++(sum == Checksum(chunk) ? good : bad);
  }
  void OnReturned(EndpointId, uint64_t cookie) override { returned.push_back(cookie); }
  void OnDeparted(EndpointId) override { departed = true; }

  uint64_t good = 0, bad = 0;
  std::deque<uint64_t> returned;
  bool departed = false;
};

int Receive(Channel& channel) {
  Handler handler;
  while (!handler.departed && handler.good + handler.bad < kChunks) {
    channel.Wait(handler, kNsPerSecond);
  }
  printf("%lu chunks are whole, %lu are not\n", handler.good, handler.bad);
  // So that the last one is known to have come back.
  while (!handler.departed) channel.Wait(handler, kNsPerSecond);
  return handler.good == kChunks ? 0 : 1;
}

int Produce(Channel& channel, EndpointId to) {
  const RegionBuffer buffer = OrDie(channel.Allocate(kCredits * kChunkBytes));
  if (!channel.Open(to).ok()) return 1;
  Handler handler;
  for (uint64_t place = 0; place < kCredits; ++place) handler.returned.push_back(place);
  uint64_t sent = 0, back = 0;
  while (back < kChunks && !handler.departed) {
    for (; !handler.returned.empty(); handler.returned.pop_front()) {
      const uint64_t place = handler.returned.front();
      if (sent >= kCredits) ++back;
      if (sent >= kChunks) continue;
      FillIn(buffer.bytes.subspan(place * kChunkBytes, kChunkBytes), sent);
      while (OrDie(channel.TryLend(to, buffer, place * kChunkBytes, kChunkBytes, /*tag=*/1,
                                   place)) != LendResult::kLent) {
        channel.Wait(handler, kNsPerSecond);
      }
      ++sent;
    }
    channel.Wait(handler, kNsPerSecond);
  }
  printf("%lu chunks sent\n", sent);
  return back == kChunks ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const auto endpoint =
      OrDie(Endpoint::Attach(argc > 1 ? argv[1] : kDefaultBrokerSocket, "chunks"));
  const auto channel = OrDie(Channel::Create(*endpoint));
  printf("I am endpoint %u\n", endpoint->Id().index);
  fflush(stdout);
  for (const EndpointInfo& peer : LiveEndpoints(endpoint->SharedRegion())) {
    if (peer.name == "chunks" && peer.id != endpoint->Id()) return Produce(*channel, peer.id);
  }
  return Receive(*channel);
}

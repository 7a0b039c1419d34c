// endpoint_probe BROKER echo NAME: answers every message with itself.
// endpoint_probe BROKER ask SLOT NAME COUNT: sends COUNT checked messages of growing size to the
// endpoint NAME of SLOT, one after the other, and checks each answer.
// endpoint_probe BROKER list: prints the living endpoints as the member table tells them.
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "transport/base/clock.h"
#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/membership_view.h"

namespace tombolo {
namespace {

constexpr int64_t kPatienceNs = 30 * kNsPerSecond;
constexpr int kLookAgainMs = 10;
constexpr size_t kSizeStep = 8;
constexpr size_t kLargest = 1024;

int Fail(const std::string& why) {
  fprintf(stderr, "error: %s\n", why.c_str());
  return 1;
}

class Echo final : public ChannelHandler {
 public:
  explicit Echo(Channel& channel) : channel_(channel) {}
  void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) override {
    Claim claim;
    if (!channel_.Open(source).ok() || !channel_.TryClaim(source, payload.size(), claim)) return;
    std::copy(payload.begin(), payload.end(), claim.payload.begin());
    channel_.Publish(claim, tag, payload.size());
  }
  void OnDeparted(EndpointId) override {}

 private:
  Channel& channel_;
};

class Answer final : public ChannelHandler {
 public:
  void OnMessage(EndpointId, uint8_t, std::span<const std::byte> payload) override {
    bytes.assign(payload.begin(), payload.end());
    came = true;
  }
  void OnDeparted(EndpointId) override { departed = true; }
  std::vector<std::byte> bytes;
  bool came = false;
  bool departed = false;
};

int RunEcho(Channel& channel) {
  Echo echo(channel);
  printf("echo is ready\n");
  fflush(stdout);
  while (true) {
    channel.Sleep(kNsPerSecond);
    channel.Poll(echo);
  }
}

std::optional<EndpointInfo> FindPatiently(const Region& region, uint16_t slot,
                                          const std::string& name) {
  const int64_t end_ns = MonotonicNs() + kPatienceNs;
  while (MonotonicNs() < end_ns) {
    if (auto found = FindEndpoint(region, slot, name)) return found;
    poll(nullptr, 0, kLookAgainMs);
  }
  return std::nullopt;
}

bool AskOnce(Channel& channel, EndpointId peer, size_t number, Answer& answer) {
  std::vector<std::byte> question(8 + number * kSizeStep % kLargest);
  for (size_t i = 0; i < question.size(); ++i) question[i] = static_cast<std::byte>(number + i);
  const int64_t end_ns = MonotonicNs() + kPatienceNs;
  Claim claim;
  while (!channel.TryClaim(peer, question.size(), claim)) {
    channel.Poll(answer);
    if (answer.departed || MonotonicNs() > end_ns) return false;
  }
  std::copy(question.begin(), question.end(), claim.payload.begin());
  answer.came = false;
  channel.Publish(claim, 9, question.size());
  while (!answer.came) {
    if (channel.Poll(answer) == 0) channel.Sleep(kNsPerSecond);
    if (answer.departed || MonotonicNs() > end_ns) return false;
  }
  return answer.bytes == question;
}

int Ask(const Region& region, Channel& channel, uint16_t slot, const std::string& name,
        size_t count) {
  const auto peer = FindPatiently(region, slot, name);
  if (!peer) return Fail("nobody of that name");
  if (auto status = channel.Open(peer->id); !status.ok()) return Fail(status.ToString());
  Answer answer;
  const int64_t start_ns = MonotonicNs();
  for (size_t i = 0; i < count; ++i) {
    if (!AskOnce(channel, peer->id, i, answer)) {
      return Fail("answer " + std::to_string(i) + (answer.departed ? ": departed" : ": wrong"));
    }
  }
  printf("%zu answers, %ld us each\n", count,
         static_cast<long>((MonotonicNs() - start_ns) / kNsPerUs / static_cast<int64_t>(count)));
  return 0;
}

int List(const Region& region) {
  for (const EndpointInfo& info : LiveEndpoints(region)) {
    printf("endpoint %u.%u slot %u vector %u pid %u %s\n", info.id.index, info.id.incarnation,
           info.slot, info.vector, info.pid, info.name.c_str());
  }
  return 0;
}

int Main(int argc, char** argv) {
  if (argc < 3) return 2;
  const std::string command = argv[2];
  const auto endpoint =
      Endpoint::Attach(argv[1], command == "echo" && argc > 3 ? argv[3] : "probe");
  if (!endpoint.ok()) return Fail(endpoint.status().ToString());
  const auto channel = Channel::Create(**endpoint);
  if (!channel.ok()) return Fail(channel.status().ToString());
  const Region& region = (*endpoint)->SharedRegion();
  if (command == "echo") return RunEcho(**channel);
  if (command == "list") return List(region);
  if (argc < 6) return 2;
  return Ask(region, **channel, static_cast<uint16_t>(atoi(argv[3])), argv[4],
             static_cast<size_t>(atoi(argv[5])));
}

}  // namespace
}  // namespace tombolo

int main(int argc, char** argv) { return tombolo::Main(argc, argv); }

// exchange: talks with another of its kind, and checks every message that comes.
//
//   exchange BROKER NAME SLOT PEER poll N     N messages each way, polling
//   exchange BROKER NAME SLOT PEER sleep N    N messages each way, asleep in between
//   exchange BROKER NAME SLOT PEER endless    until SIGTERM, or until the peer departs
//
// NAME is our own; PEER is the name of the other, in SLOT: it is waited for. See modes.h for the
// modes. Prints one JSON object at the end. Exit codes: 0 all was well, 1 with a sentence why not,
// 2 usage.
#include <poll.h>
#include <signal.h>
#include <stdio.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/vm/exchange/conversation.h"
#include "tests/vm/exchange/modes.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/endpoint/membership_view.h"
#include "transport/region/region.h"

namespace tombolo::exchange {
namespace {

constexpr int64_t kPeerPatienceNs = 40 * kNsPerSecond;
constexpr int kLookAgainMs = 10;

enum class Mode { kPoll, kSleep, kEndless };

struct Task {
  std::string broker;
  std::string name;
  uint32_t peer_slot = 0;
  std::string peer;
  Mode mode = Mode::kEndless;
  uint64_t count = 0;
};

// What this endpoint has done, from its own counters; they outlive an endpoint, so two readings
// are subtracted.
struct Effort {
  uint64_t sleeps;
  uint64_t doorbells;
};

std::atomic<bool> stop_asked = false;

absl::StatusOr<EndpointId> AwaitPeer(const Region& region, const Task& task) {
  const int64_t end_ns = MonotonicNs() + kPeerPatienceNs;
  while (MonotonicNs() < end_ns) {
    const auto found = FindEndpoint(region, static_cast<uint16_t>(task.peer_slot), task.peer);
    if (found) return found->id;
    ::poll(nullptr, 0, kLookAgainMs);
  }
  return absl::NotFoundError(absl::StrCat("nobody was called '", task.peer, "' in slot ",
                                          task.peer_slot, " within 40 s."));
}

Effort ReadEffort(const Endpoint& endpoint) {
  const EndpointCounters& counters = endpoint.SharedRegion().Counters(endpoint.Id().index);
  return {counters.sleeps.load(std::memory_order_relaxed),
          counters.doorbells_sent.load(std::memory_order_relaxed)};
}

void Report(const Conversation& talk, const Effort& before, const Effort& after, int64_t took_ns) {
  printf(
      "{\"sent\": %lu, \"received\": %lu, \"sleeps\": %lu, \"doorbells\": %lu, "
      "\"longest_gap_ms\": %ld, \"departed\": %s, \"took_ms\": %ld}\n",
      static_cast<unsigned long>(talk.Sent()), static_cast<unsigned long>(talk.Received()),
      static_cast<unsigned long>(after.sleeps - before.sleeps),
      static_cast<unsigned long>(after.doorbells - before.doorbells),
      static_cast<long>(talk.LongestGapNs() / kNsPerMs), talk.Departed() ? "true" : "false",
      static_cast<long>(took_ns / kNsPerMs));
  fflush(stdout);
}

absl::Status Converse(Channel& channel, Conversation& talk, EndpointId peer, const Task& task) {
  switch (task.mode) {
    case Mode::kPoll:
      return Poll(channel, talk, task.count);
    case Mode::kSleep:
      return Sleep(channel, talk, task.count, /*first=*/channel.Self() < peer);
    case Mode::kEndless:
      return Endless(channel, talk, stop_asked);
  }
  return absl::OkStatus();
}

absl::Status Talk(Endpoint& endpoint, const Task& task) {
  const auto channel = Channel::Create(endpoint);
  if (!channel.ok()) return channel.status();
  const auto peer = AwaitPeer(endpoint.SharedRegion(), task);
  if (!peer.ok()) return peer.status();
  if (absl::Status open = (*channel)->Open(*peer); !open.ok()) return open;
  Conversation talk(endpoint.SharedRegion(), **channel, *peer);
  const Effort before = ReadEffort(endpoint);
  const int64_t start_ns = MonotonicNs();
  absl::Status end = Converse(**channel, talk, *peer, task);
  Report(talk, before, ReadEffort(endpoint), MonotonicNs() - start_ns);
  return end;
}

absl::Status Run(const Task& task) {
  const auto endpoint = Endpoint::Attach(task.broker, task.name);
  if (!endpoint.ok()) return endpoint.status();
  if (absl::Status end = Talk(**endpoint, task); !end.ok()) return end;
  return (*endpoint)->Detach();
}

bool Parse(const std::vector<std::string>& words, Task& task) {
  if (words.size() < 5 || !absl::SimpleAtoi(words[2], &task.peer_slot)) return false;
  task.broker = words[0];
  task.name = words[1];
  task.peer = words[3];
  if (words[4] == "endless") return words.size() == 5;
  task.mode = words[4] == "poll" ? Mode::kPoll : Mode::kSleep;
  return (words[4] == "poll" || words[4] == "sleep") && words.size() == 6 &&
         absl::SimpleAtoi(words[5], &task.count);
}

int Main(int argc, char** argv) {
  Task task;
  if (!Parse({argv + 1, argv + argc}, task)) {
    fprintf(stderr, "usage: exchange BROKER NAME SLOT PEER poll N | sleep N | endless\n");
    return 2;
  }
  signal(SIGTERM, [](int) { stop_asked.store(true, std::memory_order_relaxed); });
  const absl::Status end = Run(task);
  if (end.ok()) return 0;
  fprintf(stderr, "error: %s\n", std::string(end.message()).c_str());
  return 1;
}

}  // namespace
}  // namespace tombolo::exchange

int main(int argc, char** argv) { return tombolo::exchange::Main(argc, argv); }

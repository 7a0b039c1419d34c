// exchange: talks with another of its kind, and checks every message that comes.
//
//   exchange --broker SOCKET --name NAME --peer SLOT:NAME [--poll N | --sleep N | --endless]
//
// Each of the two names the other, and waits until it is there. See modes.h for the modes. Prints
// one JSON object at the end. Exit codes: 0 all was well, 1 with a sentence why not, 2 usage.
#include <poll.h>
#include <signal.h>
#include <stdio.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/vm/exchange/conversation.h"
#include "tests/vm/exchange/modes.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/membership_view.h"

namespace tombolo::exchange {
namespace {

constexpr int64_t kPeerPatienceNs = 40 * kNsPerSecond;
constexpr int kLookAgainMs = 10;

struct Flags {
  std::string broker = kDefaultBrokerSocket;
  std::string name;
  std::string peer;
  uint64_t poll = 0;
  uint64_t sleep = 0;
  bool endless = false;
};

// What this endpoint has done, from its own counters; they outlive an endpoint, so two readings
// are subtracted.
struct Effort {
  uint64_t sleeps;
  uint64_t doorbells;
};

std::atomic<bool> stop_asked = false;

absl::StatusOr<EndpointId> AwaitPeer(const Region& region, const std::string& peer) {
  const std::pair<std::string, std::string> words = absl::StrSplit(peer, absl::MaxSplits(':', 1));
  uint32_t slot = 0;
  if (!absl::SimpleAtoi(words.first, &slot) || words.second.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("--peer is SLOT:NAME, not '", peer, "'."));
  }
  const int64_t end_ns = MonotonicNs() + kPeerPatienceNs;
  while (MonotonicNs() < end_ns) {
    const auto found = FindEndpoint(region, static_cast<uint16_t>(slot), words.second);
    if (found) return found->id;
    ::poll(nullptr, 0, kLookAgainMs);
  }
  return absl::NotFoundError(
      absl::StrCat("nobody is called '", words.second, "' in slot ", slot, " within 40 s."));
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

absl::Status Talk(Endpoint& endpoint, const Flags& flags) {
  const auto channel = Channel::Create(endpoint);
  if (!channel.ok()) return channel.status();
  const auto peer = AwaitPeer(endpoint.SharedRegion(), flags.peer);
  if (!peer.ok()) return peer.status();
  if (absl::Status open = (*channel)->Open(*peer); !open.ok()) return open;
  Conversation talk(**channel, *peer);
  const Effort before = ReadEffort(endpoint);
  const int64_t start_ns = MonotonicNs();
  absl::Status end = flags.endless ? Endless(**channel, talk, stop_asked)
                     : flags.sleep > 0
                         ? Sleep(**channel, talk, flags.sleep, (*channel)->Self() < *peer)
                         : Poll(**channel, talk, flags.poll);
  Report(talk, before, ReadEffort(endpoint), MonotonicNs() - start_ns);
  return end;
}

absl::Status Run(const Flags& flags) {
  const auto endpoint = Endpoint::Attach(flags.broker, flags.name);
  if (!endpoint.ok()) return endpoint.status();
  if (absl::Status end = Talk(**endpoint, flags); !end.ok()) return end;
  return (*endpoint)->Detach();
}

int Main(int argc, char** argv) {
  CLI::App app("Talks with another of its kind, and checks every message that comes.", "exchange");
  Flags flags;
  app.add_option("--broker", flags.broker, "The broker's socket");
  app.add_option("--name", flags.name, "Our own name")->required();
  app.add_option("--peer", flags.peer, "SLOT:NAME of the other")->required();
  CLI::Option_group* mode = app.add_option_group("mode");
  mode->add_option("--poll", flags.poll, "So many messages each way, polling");
  mode->add_option("--sleep", flags.sleep, "So many messages each way, asleep in between");
  mode->add_flag("--endless", flags.endless, "Until SIGTERM, or until the other departs");
  mode->require_option(1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  signal(SIGTERM, [](int) { stop_asked.store(true, std::memory_order_relaxed); });
  const absl::Status end = Run(flags);
  if (end.ok()) return 0;
  fprintf(stderr, "error: %s\n", std::string(end.message()).c_str());
  return absl::IsInvalidArgument(end) ? 2 : 1;
}

}  // namespace
}  // namespace tombolo::exchange

int main(int argc, char** argv) { return tombolo::exchange::Main(argc, argv); }

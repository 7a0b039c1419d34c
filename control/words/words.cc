#include "control/words/words.h"

#include <time.h>

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tombolo::control {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

std::string Describe(const EndpointInfo& endpoint) {
  return absl::StrCat(endpoint.name, " (endpoint ", endpoint.id.index, ".", endpoint.id.incarnation,
                      ", pid ", endpoint.pid, ", vector ", endpoint.vector, ")");
}

std::string DescribeAll(const std::vector<EndpointInfo>& endpoints) {
  return absl::StrJoin(endpoints, ", ", [](std::string* out, const EndpointInfo& endpoint) {
    out->append(Describe(endpoint));
  });
}

std::string WithLosses(const std::vector<EndpointInfo>& endpoints) {
  return endpoints.empty() ? "" : absl::StrCat("; gone with it: ", DescribeAll(endpoints));
}

// Column `what`, padded so that lines of different events align.
std::string Line(const char* what, const std::string& details) {
  constexpr size_t kWidth = 8;  // Of "attached" and "rebooted", the longest.
  const std::string word = what;
  return word + std::string(kWidth - word.size(), ' ') + "  " + details;
}

}  // namespace

const char* Word(PeerKind kind) { return kind == PeerKind::kHost ? "host" : "vm"; }

const char* Word(PeerState state) { return state == PeerState::kReady ? "ready" : "connected"; }

const char* Word(EventKind kind) {
  switch (kind) {
    case EventKind::kPeerJoined:
      return "joined";
    case EventKind::kBrokerReady:
      return "ready";
    case EventKind::kPeerRebooted:
      return "rebooted";
    case EventKind::kPeerLeft:
      return "left";
    case EventKind::kEndpointAttached:
      return "attached";
    case EventKind::kEndpointGone:
      return "gone";
  }
  return "changed";
}

std::string UtcTime(int64_t unix_ns) {
  const time_t seconds = unix_ns / kNsPerSecond;
  tm parts;
  char text[sizeof("2026-11-21T05:48:06Z")];
  if (gmtime_r(&seconds, &parts) == nullptr ||
      strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
    return absl::StrCat(seconds);
  }
  return text;
}

std::string ShortBoot(const std::string& boot_id) {
  return boot_id.empty() ? "-" : boot_id.substr(0, boot_id.find('-'));
}

std::string Printable(std::string text) {
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

std::string NamesOf(const std::vector<EndpointInfo>& endpoints) {
  std::map<std::string, int> counts;
  for (const EndpointInfo& endpoint : endpoints) ++counts[endpoint.name];
  std::vector<std::string> names;
  for (const auto& [name, count] : counts) {
    names.push_back(count == 1 ? name : absl::StrCat(name, " x", count));
  }
  return names.empty() ? "-" : absl::StrJoin(names, ", ");
}

std::string Sentence(const MembershipEvent& event) {
  const PeerInfo& peer = event.peer;
  std::string details = absl::StrCat("slot ", peer.slot);
  switch (event.kind) {
    case EventKind::kPeerJoined:
      absl::StrAppend(&details, ", ", Word(peer.kind), ", incarnation ", peer.incarnation);
      break;
    case EventKind::kBrokerReady:
      absl::StrAppend(&details, ", boot ", ShortBoot(peer.boot_id));
      break;
    case EventKind::kPeerRebooted:
      absl::StrAppend(&details, ", boot ", ShortBoot(peer.boot_id), WithLosses(event.endpoints));
      break;
    case EventKind::kPeerLeft:
      absl::StrAppend(&details, WithLosses(event.endpoints));
      break;
    case EventKind::kEndpointAttached:
    case EventKind::kEndpointGone:
      absl::StrAppend(&details, ", ", DescribeAll(event.endpoints));
      break;
  }
  return Line(Word(event.kind), details);
}

std::string Sentence(const MembershipSnapshot& snapshot) {
  std::vector<std::string> peers;
  for (const PeerInfo& peer : snapshot.peers) {
    peers.push_back(absl::StrCat("slot ", peer.slot, " ", Word(peer.kind), " ", Word(peer.state)));
  }
  return Line("snapshot", peers.empty() ? "nobody is there" : absl::StrJoin(peers, ", "));
}

}  // namespace tombolo::control

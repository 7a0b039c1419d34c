#include "tests/vm/exchange/conversation.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/vm/exchange/pattern.h"
#include "transport/base/clock.h"
#include "transport/region/region_copy.h"

namespace tombolo::exchange {
namespace {

uint8_t TagOf(uint64_t number) { return static_cast<uint8_t>(number); }

}  // namespace

Conversation::Conversation(const Region& region, Channel& channel, EndpointId peer)
    : region_(region), channel_(channel), peer_(peer), peer_sleeps_seen_(PeerSleeps() - 1) {}

uint64_t Conversation::PeerSleeps() const {
  // Acquire: what the peer did before it counted is done.
  return region_.Counters(peer_.index).sleeps.load(std::memory_order_acquire);
}

bool Conversation::PeerFellAsleep() {
  const uint64_t sleeps = PeerSleeps();
  if (sleeps == peer_sleeps_seen_) return false;
  // Relaxed: it may have been woken just now, which nobody can exclude.
  if (region_.Line(peer_.index).armed.load(std::memory_order_relaxed) == 0) return false;
  peer_sleeps_seen_ = sleeps;
  return true;
}

bool Conversation::TrySend() {
  const size_t size = PayloadBytes(sent_);
  Claim claim;
  if (!channel_.TryClaim(peer_, size, claim)) return false;
  const std::span<std::byte> bytes = std::span(bytes_).first(size);
  Fill(bytes, channel_.Self().index, sent_);
  CopyIn(region_.Type(), claim.payload.data(), bytes);
  channel_.Publish(claim, TagOf(sent_), size);
  ++sent_;
  return true;
}

void Conversation::OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) {
  if (!fault_.empty()) return;
  const std::span<std::byte> bytes =
      std::span(bytes_).first(std::min(payload.size(), bytes_.size()));
  CopyOut(region_.Type(), bytes.data(), payload.first(bytes.size()));
  fault_ = Judge(source, tag, bytes);
  const int64_t now_ns = MonotonicNs();
  if (received_ > 0) longest_gap_ns_ = std::max(longest_gap_ns_, now_ns - last_received_ns_);
  last_received_ns_ = now_ns;
  ++received_;
}

std::string Conversation::Judge(EndpointId source, uint8_t tag,
                                std::span<const std::byte> payload) const {
  if (source != peer_) {
    return absl::StrCat("a message came from endpoint ", source.index, ".", source.incarnation,
                        ", expected only endpoint ", peer_.index, ".", peer_.incarnation);
  }
  const size_t expected = PayloadBytes(received_);
  if (payload.size() != expected) {
    return absl::StrCat("message ", received_, " has ", payload.size(), " B, expected ", expected);
  }
  if (tag != TagOf(received_)) {
    return absl::StrCat("message ", received_, " has tag ", tag, ", expected ", TagOf(received_));
  }
  if (!Matches(payload, peer_.index, received_)) {
    return absl::StrCat("message ", received_, " of ", expected, " B is not what was sent");
  }
  return "";
}

}  // namespace tombolo::exchange

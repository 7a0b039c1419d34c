#include "control/offers/ask_offers.h"

#include <string.h>

#include <algorithm>
#include <cstddef>

#include "control/offers/offer_messages.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"
#include "transport/channel/tags.h"
#include "transport/layout/shared_copy.h"
#include "transport/region/region.h"
#include "transport/region/region_copy.h"

namespace tombolo::control {
namespace {

// A question that got lost, because an agent's region was full just then, is asked again.
constexpr int64_t kAgainNs = 100 * kNsPerMs;

class Asker : private ChannelHandler {
 public:
  Asker(Channel& channel, std::span<const EndpointId> agents) : channel_(channel) {
    for (const EndpointId agent : agents) peers_.emplace_back().told.agent = agent;
  }

  std::vector<AgentOffers> AskUntil(int64_t deadline_ns) {
    while (std::any_of(peers_.begin(), peers_.end(), [](const Peer& peer) { return peer.open; }) &&
           MonotonicNs() < deadline_ns) {
      for (Peer& peer : peers_) AskIfDue(peer);
      if (channel_.Poll(*this) == 0) channel_.Sleep(kNsPerMs);
    }
    std::vector<AgentOffers> all;
    for (Peer& peer : peers_) all.push_back(std::move(peer.told));
    return all;
  }

 private:
  struct Peer {
    AgentOffers told;
    int64_t ask_at_ns = 0;
    bool open = true;  // It may still tell something.
  };

  void AskIfDue(Peer& peer) {
    if (!peer.open || MonotonicNs() < peer.ask_at_ns) return;
    if (absl::IsNotFound(channel_.Open(peer.told.agent))) peer.open = false;
    const OfferQuestion question{peer.told.offers.size()};
    Claim claim;
    if (!peer.open || !channel_.TryClaim(peer.told.agent, sizeof(question), claim)) return;
    memcpy(claim.payload.data(), &question, sizeof(question));
    channel_.Publish(claim, ToTag(AgentTag::kOfferAsked), sizeof(question));
    peer.ask_at_ns = MonotonicNs() + kAgainNs;
  }

  void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) override {
    if (tag != ToTag(AgentTag::kOfferTold) || payload.size() < sizeof(OfferHeader) ||
        payload.size() > sizeof(OfferHeader) + kMaxOfferBytes) {
      return;
    }
    for (Peer& peer : peers_) {
      if (peer.told.agent == source && peer.open) Take(peer, payload);
    }
  }

  void Take(Peer& peer, std::span<const std::byte> payload) {
    const auto header = CopyShared<OfferHeader>(payload.data());
    std::vector<std::string>& offers = peer.told.offers;
    if (header.index != offers.size()) return;  // Told twice.
    if (header.index < std::min<size_t>(header.count, kMaxOffers)) {
      std::string& text = offers.emplace_back(payload.size() - sizeof(header), '\0');
      CopyOut(channel_.SharedRegion().Type(), std::as_writable_bytes(std::span(text)).data(),
              payload.subspan(sizeof(header)));
    }
    peer.ask_at_ns = 0;
    peer.told.complete = offers.size() >= std::min<size_t>(header.count, kMaxOffers);
    peer.open = !peer.told.complete;
  }

  void OnDeparted(EndpointId agent) override {
    for (Peer& peer : peers_) peer.open = peer.open && peer.told.agent != agent;
  }

  Channel& channel_;
  std::vector<Peer> peers_;
};

}  // namespace

std::vector<AgentOffers> AskOffers(Channel& channel, std::span<const EndpointId> agents,
                                   int64_t timeout_ns) {
  return Asker(channel, agents).AskUntil(MonotonicNs() + timeout_ns);
}

}  // namespace tombolo::control

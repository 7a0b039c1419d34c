#include "control/registry/membership.h"

#include <algorithm>
#include <utility>

namespace tombolo::control {
namespace {

// Where the peer of `slot` is, or would be inserted.
std::vector<PeerInfo>::iterator Position(std::vector<PeerInfo>& peers, uint32_t slot) {
  return std::lower_bound(peers.begin(), peers.end(), slot,
                          [](const PeerInfo& peer, uint32_t wanted) { return peer.slot < wanted; });
}

void Insert(const EndpointInfo& endpoint, std::vector<EndpointInfo>& endpoints) {
  const auto place = std::lower_bound(
      endpoints.begin(), endpoints.end(), endpoint,
      [](const EndpointInfo& a, const EndpointInfo& b) { return a.id.index < b.id.index; });
  endpoints.insert(place, endpoint);
}

void ApplyToPeer(const MembershipEvent& event, PeerInfo& peer) {
  std::vector<EndpointInfo> endpoints = std::move(peer.endpoints);
  peer = event.peer;
  if (event.kind == EventKind::kEndpointAttached) {
    for (const EndpointInfo& endpoint : event.endpoints) Insert(endpoint, endpoints);
  } else {
    for (const EndpointInfo& gone : event.endpoints) std::erase(endpoints, gone);
  }
  peer.endpoints = std::move(endpoints);
}

}  // namespace

bool Apply(const MembershipEvent& event, MembershipSnapshot& snapshot) {
  if (event.revision != snapshot.revision + 1) return false;
  const auto place = Position(snapshot.peers, event.peer.slot);
  const bool known = place != snapshot.peers.end() && place->slot == event.peer.slot;
  if (known == (event.kind == EventKind::kPeerJoined)) return false;
  snapshot.revision = event.revision;
  if (event.kind == EventKind::kPeerJoined) {
    snapshot.peers.insert(place, event.peer);
  } else if (event.kind == EventKind::kPeerLeft) {
    snapshot.peers.erase(place);
  } else {
    ApplyToPeer(event, *place);
  }
  return true;
}

}  // namespace tombolo::control

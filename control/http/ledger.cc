#include "control/http/ledger.h"

#include <algorithm>

namespace tombolo::control {
namespace {

size_t PlaceOf(EventKind kind) {
  return static_cast<size_t>(std::ranges::find(kEventKinds, kind) - kEventKinds.begin());
}

}  // namespace

Ledger::Ledger(const Region& region, const MembershipSnapshot& start) : region_(region) {
  for (const PeerInfo& peer : start.peers) {
    totals_.slots[peer.slot] = {};
    for (const EndpointInfo& endpoint : peer.endpoints) {
      live_[endpoint.id.index] = {peer.slot, ReadCounters(region_, endpoint.id.index)};
    }
  }
}

void Ledger::OnEvent(const MembershipEvent& event) {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++totals_.events[PlaceOf(event.kind)];
  CounterValues& sums = totals_.slots[event.peer.slot];
  for (const EndpointInfo& endpoint : event.endpoints) {
    const uint32_t index = endpoint.id.index;
    if (event.kind == EventKind::kEndpointAttached) {
      live_[index] = {event.peer.slot, ReadCounters(region_, index)};
    } else if (const auto found = live_.find(index); found != live_.end()) {
      AddTo(sums, index, found->second);
      live_.erase(found);
    }
  }
}

Totals Ledger::Read() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  Totals totals = totals_;
  for (const auto& [index, account] : live_) AddTo(totals.slots[account.slot], index, account);
  return totals;
}

void Ledger::AddTo(CounterValues& sums, uint32_t index, const Account& account) const {
  const CounterValues now = ReadCounters(region_, index);
  for (size_t i = 0; i < kCounters; ++i) {
    if (now[i] > account.at_attach[i]) sums[i] += now[i] - account.at_attach[i];
  }
}

}  // namespace tombolo::control

// Ledger: what only grows, by slot: how often the membership changed in which way, and what the
// endpoints that a slot has had did in all.
//
// The counters in the region belong to endpoint indices, which wander between slots. So what an
// index had counted when an endpoint attached is taken off, and what it has counted when the
// endpoint dies is added to its slot: the sums of a slot never shrink while its endpoints count
// honestly. Endpoints that live already when it begins, as after a daemon that was killed, begin at
// 0.
//
// What it assumes of peers: nothing. A counter that somebody sets back counts as 0 until it has
// caught up; sums wrap.
//
// Thread safety: OnEvent() from one thread, Read() from any. Both hold the lock while they read
// counters: for all of 1,024 endpoints some 100 us.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

#include "control/counters/endpoint_counters.h"
#include "control/registry/membership.h"
#include "transport/region/region.h"

namespace tombolo::control {

inline constexpr std::array kEventKinds = {
    EventKind::kPeerJoined, EventKind::kBrokerReady,      EventKind::kPeerRebooted,
    EventKind::kPeerLeft,   EventKind::kEndpointAttached, EventKind::kEndpointGone,
};

struct Totals {
  std::array<uint64_t, kEventKinds.size()> events{};  // In the order of kEventKinds.
  std::map<uint32_t, CounterValues> slots;            // Of each slot that was ever occupied.
};

class Ledger {
 public:
  // `start`: the registry's state before the first event.
  Ledger(const Region& region, const MembershipSnapshot& start);

  // The registry's next event.
  void OnEvent(const MembershipEvent& event);

  Totals Read() const;

 private:
  struct Account {
    uint32_t slot = 0;
    CounterValues at_attach{};
  };

  void AddTo(CounterValues& sums, uint32_t index, const Account& account) const;

  const Region region_;
  mutable std::mutex mutex_;          // Guards all below.
  Totals totals_;                     // Without what living endpoints did.
  std::map<uint32_t, Account> live_;  // By endpoint index.
};

}  // namespace tombolo::control

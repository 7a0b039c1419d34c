// PolledDoorbells: what rings in a virtual machine whose device cannot interrupt it.
//
// A peer that wants to wake an endpoint changes its byte in that endpoint's inbox, sees it armed,
// and rings; here the ring is lost. So the agent looks at both every millisecond and signals the
// eventfd in the device's stead. What it does not see is room that comes back to a sender who waits
// for it: that is left to the sender's own timer (docs/wakeup.md).
//
// What it assumes of peers: nothing. They can make it signal eventfds of this machine, which
// doorbells can as well. Thread safety: the loop's thread.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "transport/endpoint/endpoint_id.h"
#include "transport/region/region.h"

namespace tombolo::control {

class PolledDoorbells {
 public:
  // `eventfds`: of the own vectors of `slot`; they stay the caller's.
  PolledDoorbells(const Region& region, uint16_t slot, std::vector<int> eventfds)
      : region_(region), slot_(slot), eventfds_(std::move(eventfds)) {}

  // Looks at the membership and at the inboxes of all endpoints of the slot.
  void Look();

 private:
  struct Sleeper {
    EndpointId id;
    uint16_t vector = 0;
    std::vector<uint64_t> row;  // Its inbox, as it was when it last had a chance to see it.
  };

  void LookAtMembers(uint64_t epoch);
  void LookAt(Sleeper& sleeper);
  bool RowChanged(Sleeper& sleeper) const;
  void Ring(uint16_t vector) const;

  const Region region_;
  const uint16_t slot_;
  const std::vector<int> eventfds_;
  uint64_t epoch_ = UINT64_MAX;  // No region begins with it, so the first look reads the members.
  std::vector<Sleeper> sleepers_;
};

}  // namespace tombolo::control

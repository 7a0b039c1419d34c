// OrphanWatch: endpoints of this slot that live, but that no broker serves any more.
//
// An agent's sessions survive it with its holder. When both died, or the agent died between the
// daemon's grant and the holder's hearing of it, the member table still says that an endpoint
// lives. Its memory may only be freed when its process is proven dead, so the process that the
// record names is watched. Its pid may mean another process by now; then the wait is longer than
// needed, never shorter.
//
// Thread safety: the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "control/broker/broker_backend.h"
#include "control/event_loop/event_loop.h"
#include "control/event_loop/watch.h"
#include "transport/base/unique_fd.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/region/region.h"

namespace tombolo::control {

class OrphanWatch {
 public:
  using OnDeath = std::function<void(EndpointId id)>;

  OrphanWatch(EventLoop& loop, OnDeath on_death) : loop_(loop), on_death_(std::move(on_death)) {}

  // Watches all live endpoints of `slot` that are not in `served`. Those whose process is gone
  // already are not watched and not reported.
  void Find(const Region& region, uint16_t slot, const std::vector<ServedEndpoint>& served);

  // Those not proven dead.
  std::vector<EndpointId> Living() const;

 private:
  struct Orphan {
    UniqueFd pidfd;
    Watch watch;
  };

  void Add(EndpointId id, UniqueFd pidfd);
  void Died(EndpointId id);

  EventLoop& loop_;
  const OnDeath on_death_;
  std::map<EndpointId, Orphan> orphans_;
};

}  // namespace tombolo::control

#include "control/agent/orphan_watch.h"

#include <sys/types.h>

#include <set>
#include <utility>

#include "absl/status/statusor.h"
#include "control/broker/pidfd.h"
#include "spdlog/spdlog.h"
#include "transport/endpoint/membership_view.h"

namespace tombolo::control {

void OrphanWatch::Find(const Region& region, uint16_t slot,
                       const std::vector<ServedEndpoint>& served) {
  std::set<EndpointId> known;
  for (const ServedEndpoint& endpoint : served) known.insert(endpoint.id);
  for (const auto& endpoint : LiveEndpoints(region)) {
    if (endpoint.slot != slot || known.contains(endpoint.id)) continue;
    absl::StatusOr<UniqueFd> pidfd = OpenPidfd(static_cast<pid_t>(endpoint.pid));
    if (!pidfd.ok()) continue;
    spdlog::warn("process {} ('{}') has lost its broker; its memory is freed when it ends.",
                 endpoint.pid, endpoint.name);
    Add(endpoint.id, *std::move(pidfd));
  }
}

void OrphanWatch::Add(EndpointId id, UniqueFd pidfd) {
  Orphan orphan{.pidfd = std::move(pidfd), .watch = {}};
  auto watch = loop_.WatchReadable(orphan.pidfd.Get(), [this, id] { Died(id); });
  // What cannot be watched stays alive in our books: memory is kept, not endangered.
  if (watch.ok()) orphan.watch = *std::move(watch);
  orphans_.insert_or_assign(id, std::move(orphan));
}

std::vector<EndpointId> OrphanWatch::Living() const {
  std::vector<EndpointId> living;
  for (const auto& [id, orphan] : orphans_) living.push_back(id);
  return living;
}

void OrphanWatch::Died(EndpointId id) {
  orphans_.erase(id);
  on_death_(id);
}

}  // namespace tombolo::control

// ServiceLog: the services as they are, and what has changed last, so that a follower who was away
// for a while goes on where it stopped. Not thread-safe.
//
// Nothing of it outlives the daemon. So that nobody takes revisions of two daemons for the same,
// the first one of each is to be higher than any of the daemons before it: a time will do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "control/registry/event_history.h"
#include "control/registry/service_info.h"

namespace tombolo::control {

class ServiceLog {
 public:
  // capacity: events kept. first_revision: the one before the first change.
  ServiceLog(size_t capacity, uint64_t first_revision) : history_(capacity, first_revision) {}

  // All that exist now, by index. An index that another service has got meanwhile has two events.
  // Returns whether anything has changed.
  bool Set(std::vector<ServiceInfo> services);

  const std::vector<ServiceInfo>& Services() const { return services_; }
  uint64_t Revision() const { return history_.Revision(); }

  // The event that follows `revision`; nothing when it has not happened yet. OutOfRange as
  // EventHistory::Since() says.
  absl::StatusOr<std::optional<ServiceEvent>> After(uint64_t revision) const;

 private:
  void Add(ServiceEvent::Kind kind, const ServiceInfo& service);

  std::vector<ServiceInfo> services_;
  EventHistory<ServiceEvent> history_;
};

}  // namespace tombolo::control

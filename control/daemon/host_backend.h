// HostBackend: the daemon as the broker of its own slot, the host's: endpoints come straight from
// the registry, memory is the region's memfd, and doorbells are the eventfds of all slots.
//
// Thread safety: the daemon's event loop.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "control/broker/broker_backend.h"
#include "control/daemon/host_region.h"
#include "control/doorbells/doorbell_table.h"
#include "control/registry/registry.h"

namespace tombolo::control {

class HostBackend final : public BrokerBackend {
 public:
  // All must outlive it.
  HostBackend(const HostRegion& region, const DoorbellTable& doorbells, Registry& registry)
      : region_(region), doorbells_(doorbells), registry_(registry) {}

  void AttachEndpoint(const std::string& name, pid_t pid, AttachDone done) override;
  void EndpointGone(EndpointId id) override;
  absl::StatusOr<int> Doorbell(uint16_t slot, uint16_t vector) override;

 private:
  absl::StatusOr<Grant> Attach(const std::string& name, pid_t pid);

  const HostRegion& region_;
  const DoorbellTable& doorbells_;
  Registry& registry_;
};

}  // namespace tombolo::control

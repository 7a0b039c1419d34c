// HostBroker: what stands behind the host's `broker.sock`: processes of the host become endpoints
// of slot 0.
//
// Ownership: everything that it is given must outlive it. Thread safety: the daemon's event loop.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "control/broker/broker_backend.h"
#include "control/daemon/host_region.h"
#include "control/daemon/service_desk.h"
#include "control/doorbells/doorbell_table.h"
#include "control/registry/registry.h"

namespace tombolo::control {

class HostBroker final : public BrokerBackend {
 public:
  using Clock = std::function<int64_t()>;

  // `now_unix_ns`: nanoseconds since the Unix epoch.
  HostBroker(Registry& registry, const HostRegion& region, const DoorbellTable& doorbells,
             ServiceDesk& services, Clock now_unix_ns);

  void AttachEndpoint(const std::string& name, pid_t pid, AttachDone done) override;
  absl::StatusOr<Grant> GrantAgain(const ServedEndpoint& endpoint) override;
  void EndpointGone(tombolo::EndpointId id) override;
  absl::StatusOr<int> Doorbell(uint16_t slot, uint16_t vector) override;
  void OpenService(const std::string& name, tombolo::EndpointId writer,
                   OpenServiceDone done) override;
  void CloseService(const std::string& name, tombolo::EndpointId asker,
                    CloseServiceDone done) override;

 private:
  Grant GrantOf(tombolo::EndpointId id, uint32_t vector) const;

  Registry& registry_;
  const HostRegion& region_;
  const DoorbellTable& doorbells_;
  ServiceDesk& services_;
  const Clock now_unix_ns_;
};

}  // namespace tombolo::control

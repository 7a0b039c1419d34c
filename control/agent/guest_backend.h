// GuestBackend: what stands behind a guest's broker: the daemon on the host, asked over the control
// link of this slot.
//
// A request that the link lost is sent again when the link is up again; one that is not answered
// within the deadline fails (pending_requests.h). The daemon's answers are checked, because any
// guest of the region could have written them. Thread safety: the loop's thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "control/agent/agent_device.h"
#include "control/agent/pending_requests.h"
#include "control/broker/broker_backend.h"
#include "control/event_loop/event_loop.h"
#include "control/link/agent_link.h"
#include "control/link/boot_id.h"
#include "transport/region/region.h"

namespace tombolo::control {

class GuestBackend final : public BrokerBackend, private AgentLinkHandler {
 public:
  // Gives all endpoints of this slot that are not proven dead.
  using ListLiving = std::function<std::vector<EndpointId>()>;

  struct Options {
    BootId boot_id;
    int64_t deadline_ns;  // Of the daemon's answers.
  };

  // Says hello. `loop` must outlive it.
  GuestBackend(EventLoop& loop, const AgentDevice& device, const Region& region,
               const Options& options, ListLiving list_living);

  void AttachEndpoint(const std::string& name, pid_t pid, AttachDone done) override;
  absl::StatusOr<Grant> GrantAgain(const ServedEndpoint& endpoint) override;
  void EndpointGone(EndpointId id) override;
  absl::StatusOr<int> Doorbell(uint16_t slot, uint16_t vector) override;
  void OpenService(const std::string& name, EndpointId writer, OpenServiceDone done) override;
  void CloseService(const std::string& name, EndpointId asker, CloseServiceDone done) override;

  // The link's doorbell has rung.
  void Poll() { link_.Poll(); }

  // Once a second: makes up for lost doorbells and for a daemon that was away.
  void Tick();

  bool IsUp() const { return link_.IsUp(); }

 private:
  void OnUp(uint32_t slot_incarnation) override;
  void OnAttachReply(const LinkAttachReply& reply) override;
  void OnServiceReply(const LinkServiceReply& reply) override;

  absl::StatusOr<Grant> ToGrant(const LinkAttachReply& reply);
  absl::StatusOr<Grant> GrantOf(EndpointId id, uint32_t vector) const;

  const AgentDevice device_;
  const ListLiving list_living_;
  PendingRequests<LinkAttachReply> attaches_;
  PendingRequests<LinkServiceReply> services_;
  AgentLink link_;
};

}  // namespace tombolo::control

// GuestLinks: the daemon's ends of the control links of all virtual machines, and what their
// brokers may ask of the registry.
//
// A broker is believed in what concerns its own slot and in nothing else: which of its processes
// attach and die, which boot of its kernel this is, and which of its endpoints asks for a service.
// Brokers ring (slot 0, vector 1), which tells nothing of whose link it is, so all links are looked
// at: some words for each slot. A timer does the same once a second, because a doorbell may be
// lost.
//
// Thread safety: the daemon's event loop.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/broker/log_limit.h"
#include "control/daemon/service_desk.h"
#include "control/doorbells/doorbell_table.h"
#include "control/event_loop/event_loop.h"
#include "control/event_loop/watch.h"
#include "control/link/daemon_link.h"
#include "control/registry/registry.h"
#include "transport/region/region.h"

namespace tombolo::control {

class GuestLinks final : public DaemonLinkHandler {
 public:
  // All must outlive it.
  static absl::StatusOr<std::unique_ptr<GuestLinks>> Start(EventLoop& loop, const Region& region,
                                                           const DoorbellTable& doorbells,
                                                           Registry& registry,
                                                           ServiceDesk& services);

  // The machine of `slot` is gone.
  void SlotVacated(uint32_t slot);

  bool IsUp(uint32_t slot) const { return links_[slot]->IsUp(); }

 private:
  GuestLinks(EventLoop& loop, const Region& region, const DoorbellTable& doorbells,
             Registry& registry, ServiceDesk& services);

  void Rung();
  void PollAll();
  absl::StatusOr<EndpointId> AskerOf(uint16_t slot, const LinkServiceRequest& request) const;

  absl::StatusOr<uint32_t> OnHello(uint16_t slot, const BootId& boot_id) override;
  void OnAttach(uint16_t slot, const LinkAttach& attach) override;
  void OnGone(uint16_t slot, EndpointId id) override;
  void OnOpenService(uint16_t slot, const LinkServiceRequest& request) override;
  void OnCloseService(uint16_t slot, const LinkServiceRequest& request) override;
  void OnResync(uint16_t slot, const std::vector<EndpointId>& live) override;

  EventLoop& loop_;
  const DoorbellTable& doorbells_;
  Registry& registry_;
  ServiceDesk& services_;
  std::vector<std::unique_ptr<DaemonLink>> links_;  // By slot; the host's stays down.
  std::vector<LogLimit> unwelcome_;                 // By slot.
  bool poll_posted_ = false;
  Watch doorbell_watch_;
  Watch timer_;
  Watch next_poll_;  // No posted closure, which would outlive us.
};

}  // namespace tombolo::control

// GuestAgent: the broker of one virtual machine: the control link to the daemon, `broker.sock` for
// the machine's processes, and the proofs of their deaths.
//
//   vector 0 of this slot    membership changed: nothing that the agent itself acts on
//   vector 1 of this slot    the control link; also looked at once a second
//   all other vectors        wake endpoints; never read here
//
// Where the device does not interrupt, it looks every millisecond at what would have (and tells
// the eventfds: polled_doorbells.h).
//
// All that must survive it is in the DescriptorStore. Thread safety: the loop's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/agent/agent_device.h"
#include "control/agent/guest_backend.h"
#include "control/agent/orphan_watch.h"
#include "control/agent/polled_doorbells.h"
#include "control/broker/broker_server.h"
#include "control/event_loop/event_loop.h"
#include "control/event_loop/watch.h"
#include "control/holder/descriptor_store.h"
#include "control/link/boot_id.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"
#include "transport/region/region.h"

namespace tombolo::control {

struct GuestAgentOptions {
  std::string broker_socket;
  BootId boot_id = {};
  int64_t attach_deadline_ns = 5 * kNsPerSecond;  // Also of what is asked about services.
};

class GuestAgent {
 public:
  // Checks the region, says hello to the daemon and serves the broker's socket. Does not wait for
  // the daemon's welcome. FailedPrecondition: the device's memory is no region of ours
  // (Region::Attach) or its vectors or slot do not fit it; else as BrokerServer::Start. What
  // `device` names, loop and store must outlive it.
  static absl::StatusOr<std::unique_ptr<GuestAgent>> Start(EventLoop& loop, DescriptorStore& store,
                                                           NamedDescriptors& inherited,
                                                           const AgentDevice& device,
                                                           const GuestAgentOptions& options);

  // For an orderly end.
  void RemoveSocketFile() { broker_->RemoveSocketFile(); }

  bool IsUp() const { return backend_.IsUp(); }
  const BrokerServer& Broker() const { return *broker_; }

 private:
  GuestAgent(EventLoop& loop, const AgentDevice& device, const Region& region,
             const GuestAgentOptions& options);

  absl::Status WatchDoorbell(uint16_t vector, EventLoop::Callback callback, Watch& watch);
  absl::Status PollDoorbells();
  std::vector<EndpointId> Living();

  EventLoop& loop_;
  const AgentDevice device_;
  const Region region_;
  bool looked_for_orphans_ = false;
  GuestBackend backend_;
  OrphanWatch orphans_;
  std::unique_ptr<BrokerServer> broker_;
  Watch membership_watch_;
  Watch link_watch_;
  Watch timer_;
  std::optional<PolledDoorbells> polled_;
  UniqueFd poll_timer_;
  Watch poll_watch_;
};

}  // namespace tombolo::control

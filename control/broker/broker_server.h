// BrokerServer: serves `broker.sock` (transport/endpoint/broker_protocol.h), through which the
// processes of one machine become endpoints; used by tombolod on the host and by tombolo-agent in a
// guest, which differ in their BrokerBackend.
//
// It accepts and bounds connections; each is a BrokerSession. Listener and attached clients are in
// the DescriptorStore, so that a successor goes on with both. Destroying it keeps the socket file
// and tells no client: RemoveSocketFile() is for an orderly end. Thread safety: the loop's thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/broker/broker_backend.h"
#include "control/broker/broker_session.h"
#include "control/broker/log_limit.h"
#include "control/event_loop/event_loop.h"
#include "control/event_loop/watch.h"
#include "control/holder/descriptor_store.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/region/geometry.h"

namespace tombolo::control {

struct BrokerOptions {
  std::string socket_path;
  // Who may open the socket may read and write the whole region.
  unsigned socket_mode = 0660;
  size_t max_clients = 1024;
  // Of its connections that are not endpoints: so that one that connects and says nothing leaves
  // room for others.
  size_t max_unattached_of_process = 16;
  int64_t handshake_deadline_ns = 5 * kNsPerSecond;
};

// As many clients as the region can have endpoints, and some that have not attached yet.
inline size_t MaxClients(const RegionLimits& limits) { return limits.endpoint_count + 64; }

class BrokerServer {
 public:
  // Listens, or takes the listener and the clients of a former broker out of `inherited` (what
  // DescriptorStore::Take() gave). Loop, store and backend must outlive it. Errors as ListenUnix.
  static absl::StatusOr<std::unique_ptr<BrokerServer>> Start(EventLoop& loop,
                                                             DescriptorStore& store,
                                                             BrokerBackend& backend,
                                                             NamedDescriptors& inherited,
                                                             const BrokerOptions& options);

  // Endpoints of this broker that are not proven dead.
  std::vector<ServedEndpoint> Endpoints() const;

  // Ends the process of the endpoint `id`, and gives its pid. NotFound when it is none of ours,
  // else as BrokerSession::KillClient().
  absl::StatusOr<pid_t> Kill(tombolo::EndpointId id) const;

  size_t ClientCount() const { return sessions_.size(); }

  void RemoveSocketFile();

 private:
  BrokerServer(EventLoop& loop, DescriptorStore& store, BrokerBackend& backend,
               const BrokerOptions& options);

  absl::Status Listen(NamedDescriptors& inherited);
  void AdoptClients(NamedDescriptors& inherited);
  void DropLeftovers(NamedDescriptors& inherited);
  absl::Status WatchListener();
  void AcceptOne();
  absl::Status MayBecomeClient(pid_t process) const;
  void TurnAway(const absl::Status& reason);
  void RestFromAccepting(int error);
  void Add(std::shared_ptr<BrokerSession> session);

  BrokerSession::OverCallback RemoveWhenOver();

  const BrokerOptions options_;
  const BrokerContext context_;
  UniqueFd listener_;
  Watch listener_watch_;
  Watch rest_;
  LogLimit turned_away_;
  std::map<const BrokerSession*, std::shared_ptr<BrokerSession>> sessions_;
};

}  // namespace tombolo::control

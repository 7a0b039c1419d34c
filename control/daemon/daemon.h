// Daemon: tombolod's parts, wired together on one event loop.
//
//   ivshmem server --join, leave--> registry --event--> member table in the region
//                                                   --> gRPC's replica and its watchers; from
//                                                       there into etcd, if there is a cluster
//                                                   --> ledger of the status page
//                                                   --> reaper of dead endpoints
//                                                   --> vector 0 of every occupied slot
//   host processes --broker.sock---attach, death--> registry
//   guests' agents --control link--attach, death--> registry
//
// The registry is the only one that decides who is a member; everything else follows its events, in
// the order of the picture: whoever is told of a change already finds it in the region.
//
// It may be killed at any moment. What must outlive it is in a DescriptorStore before anybody else
// can know of it, and each change of the registry is saved (daemon_parts.h) before it is told. A
// daemon that finds all that goes on with the same region, revisions and clients; what its
// predecessor had begun to tell it tells again, and what was lost in between, an endpoint that was
// granted but never told or a machine that left, it notices. docs/adr/0014 has the moments in which
// it can die.
//
// Thread safety: the loop's thread, but for the threads of gRPC and of the cluster, which see the
// replica only, and that of the status page, which sees the replica, its ledger and its heartbeat.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/broker/broker_server.h"
#include "control/cluster/cluster_link.h"
#include "control/cluster/cluster_options.h"
#include "control/cluster/cluster_view.h"
#include "control/daemon/admin_desk.h"
#include "control/daemon/daemon_options.h"
#include "control/daemon/daemon_parts.h"
#include "control/daemon/guest_links.h"
#include "control/daemon/host_broker.h"
#include "control/daemon/host_region.h"
#include "control/daemon/member_table_mirror.h"
#include "control/daemon/reaper.h"
#include "control/daemon/runtime_dir.h"
#include "control/daemon/service_desk.h"
#include "control/daemon/state_memory.h"
#include "control/doorbells/doorbell_table.h"
#include "control/event_loop/event_loop.h"
#include "control/event_loop/watch.h"
#include "control/holder/descriptor_store.h"
#include "control/http/monitor.h"
#include "control/http/region_board.h"
#include "control/ivshmem_server/ivshmem_server.h"
#include "control/proto/region_values.h"
#include "control/registry/membership.h"
#include "control/registry/registry.h"
#include "control/registry/registry_state.h"
#include "control/service/ask_cluster.h"
#include "control/service/control_server.h"
#include "control/service/membership_view.h"
#include "control/service/region_actions.h"
#include "control/tls/tls_files.h"
#include "transport/region/geometry.h"

namespace tombolo::control {

class Daemon {
 public:
  // Makes the region, or goes on with what `store` has of a former daemon, and serves all sockets
  // in the runtime folder; gRPC answers when it returns, the rest when the loop runs.
  // InvalidArgument for limits that cannot be; the others are those of MakeParts, TakeParts and
  // ListenUnix. `loop` and `store` must outlive the daemon, and so must `regions`, which
  // administrators reach at its control.sock; null: they reach none there. The status page shows
  // `further` too, which must outlive it as well.
  static absl::StatusOr<std::unique_ptr<Daemon>> Start(EventLoop& loop, DescriptorStore& store,
                                                       const DaemonOptions& options,
                                                       RegionActions* regions = nullptr,
                                                       const RegionBoard* further = nullptr);

  // Stops serving. Machines and processes keep the region that they have, and the sockets stay for
  // a successor.
  ~Daemon() = default;
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // For an orderly end: there will be no successor, and the runtime folder may be claimed again.
  void RemoveSocketFiles() const;

  std::string Describe() const;

  // Reads the files of --tls-cert, --tls-key and --tls-ca anew, and those of --etcd-tls-cert and so
  // on, and says what became of that. With bad ones it goes on as before.
  void RenewTls();

  // All of the region but its name and group; `check` only where that is asked for.
  ServedRegion Look(bool with_check) const;

  // For threads other than the loop's.
  const MembershipView& View() const { return view_; }

  const RegionLimits& Limits() const { return region_.View().Limits(); }

 private:
  Daemon(EventLoop& loop, DescriptorStore& store, DaemonParts parts, const RegistryState& state,
         RegionActions* regions);

  // Of a first daemon and of a successor alike; for a first one there is nothing to restore.
  absl::Status Begin(const RegistryState& state, NamedDescriptors& inherited);
  absl::Status BeginCluster(const ClusterOptions& options, bool is_first);
  absl::Status JoinCluster(ClusterOptions options);
  void Restore(const RegistryState& state);
  absl::Status OccupyHostSlot();
  absl::Status Serve(NamedDescriptors& inherited);
  absl::Status ServeMachines(NamedDescriptors& inherited);
  absl::Status ServeProcesses(NamedDescriptors& inherited);
  absl::Status ServeAgents();
  absl::Status ServeControl();
  AskCluster MakeAskCluster() const;
  AdminTools MakeAdminTools(RegionActions* regions);
  absl::Status KeepDraining(bool draining);
  absl::Status BeginStatus(const std::string& address, bool is_first);
  absl::Status ServeStatus(const std::string& address);
  absl::Status BeginTls(const DaemonOptions& options, bool is_first);
  absl::Status ServeTls();
  absl::Status TakeOtherTls();
  void RenewServingTls();
  void RenewClusterTls();
  void CloseVacantLinks();
  void DropWhoNeverKnew(const RegistryState& state, const NamedDescriptors& kept);
  void Keep();
  void OnVmJoined(uint32_t slot);
  void OnVmLeft(uint32_t slot);
  void OnEvent(const MembershipEvent& event);
  void RingMembership();
  void ReapAfter(int64_t delay_ns);
  void Reap();
  void Beat();

  EventLoop& loop_;
  DescriptorStore& store_;
  const RuntimeDir runtime_dir_;
  const HostRegion region_;
  const DoorbellTable doorbells_;
  StateMemory state_memory_;
  Registry registry_;
  MemberTableMirror mirror_;
  Reaper reaper_;
  ServiceDesk services_;
  MembershipView view_;
  Monitor monitor_;
  int64_t reap_delay_ns_ = 0;
  Watch reap_timer_;
  Watch heartbeat_timer_;
  std::unique_ptr<GuestLinks> guest_links_;
  std::unique_ptr<IvshmemServer> ivshmem_server_;
  HostBroker host_broker_;
  std::unique_ptr<BrokerServer> broker_server_;
  AdminDesk admin_desk_;
  std::unique_ptr<ClusterView> cluster_view_;  // As the next one, only with --etcd.
  std::unique_ptr<ClusterLink> cluster_link_;
  TlsFiles cluster_tls_files_;
  std::unique_ptr<ControlServer> control_server_;
  std::string tls_address_;  // Empty: nobody is to be served over TCP.
  TlsFiles tls_files_;
  bool serves_tls_ = false;
};

}  // namespace tombolo::control

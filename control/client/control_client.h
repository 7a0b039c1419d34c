// ControlClient: asks a tombolod, on the host or through a guest's agent, over its control socket;
// or one on another machine, over TCP with mutual TLS.
//
// Errors are sentences for people, that say what was asked where and what to do next:
//   Unavailable       nobody answers there, or lets us in, or tombolod is stopping
//   PermissionDenied  the socket is there, but not for this user
//   DeadlineExceeded  somebody listens there and gives no answer
//   others            as the .proto files say, in the daemon's own words
//
// Connects when it is first asked, and again when the daemon came back. Thread safety: each call
// may be made from any thread. This header knows neither gRPC nor protobuf.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/client/remote_daemon.h"
#include "control/cluster/cluster_info.h"
#include "control/registry/membership.h"
#include "control/registry/region_info.h"
#include "control/registry/service_info.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::control {

struct PeerList {
  MembershipSnapshot snapshot;
  std::string region_uuid;  // That the snapshot's revision belongs to.
};

class ControlClient {
 public:
  static constexpr std::chrono::milliseconds kDefaultTimeout{5'000};

  // socket_path: of control.sock (or guest.sock). timeout: of each call but those that watch.
  explicit ControlClient(std::string socket_path,
                         std::chrono::milliseconds timeout = kDefaultTimeout);

  // Over TCP. InvalidArgument from every call when the files are not as they should be.
  explicit ControlClient(RemoteDaemon daemon, std::chrono::milliseconds timeout = kDefaultTimeout);
  ~ControlClient();

  absl::StatusOr<PeerList> ListPeers();
  absl::StatusOr<RegionInfo> GetRegion();

  // A list with the peer of that slot only. NotFound when it is vacant.
  absl::StatusOr<PeerList> DescribePeer(uint32_t slot);

  absl::StatusOr<ServiceList> ListServices();

  // Of all hosts, as the daemon knows them. FailedPrecondition: it has no --etcd.
  absl::StatusOr<ClusterInfo> GetCluster();

  // For administrators: ends a virtual machine, or a process of the host, and gives the pid of who
  // was told to end. It is a member until it is dead.
  absl::StatusOr<int32_t> EvictPeer(uint32_t slot, uint32_t incarnation);
  absl::StatusOr<int32_t> EvictEndpoint(EndpointId id);

  // What a watch tells: everything at once, or one change.
  using WatchUpdate = std::variant<PeerList, MembershipEvent>;

  // Calls `on_update` for each update, in this thread, until it returns false: then Ok. Otherwise
  // it goes on until the stream ends, and says why. OutOfRange: ask again with 0.
  //   resume_after_revision: 0 begins with a PeerList; else only later events are told.
  //   region_uuid: of the revision; empty is not compared.
  absl::Status WatchPeers(uint64_t resume_after_revision, const std::string& region_uuid,
                          const std::function<bool(const WatchUpdate&)>& on_update);

  // As above, of the services. They have revisions of their own.
  using ServiceUpdate = std::variant<ServiceList, ServiceEvent>;
  absl::Status WatchServices(uint64_t resume_after_revision, const std::string& region_uuid,
                             const std::function<bool(const ServiceUpdate&)>& on_update);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tombolo::control

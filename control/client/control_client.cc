#include "control/client/control_client.h"

#include <grpcpp/grpcpp.h>

#include <optional>
#include <utility>

#include "control/client/control_channel.h"
#include "control/proto/cluster.grpc.pb.h"
#include "control/proto/convert.h"
#include "control/proto/convert_cluster.h"
#include "control/proto/membership.grpc.pb.h"
#include "control/proto/services.grpc.pb.h"

namespace tombolo::control {
namespace {

template <typename Request>
Request RequestFor(uint64_t resume_after_revision, const std::string& region_uuid) {
  Request request;
  request.set_resume_after_revision(resume_after_revision);
  request.set_region_uuid(region_uuid);
  return request;
}

// Reads what `method` of `stub` streams. list_from: the list of a response, if it has one.
template <typename Stub, typename Request, typename Response, typename ListFrom, typename OnUpdate>
absl::Status Watch(const ControlChannel& channel, Stub& stub,
                   std::unique_ptr<grpc::ClientReader<Response>> (Stub::*method)(
                       grpc::ClientContext*, const Request&),
                   const Request& request, ListFrom list_from, const OnUpdate& on_update) {
  if (!channel.Ready().ok()) return channel.Ready();
  grpc::ClientContext context;
  const auto reader = (stub.*method)(&context, request);
  Response response;
  while (reader->Read(&response)) {
    bool go_on = true;
    if (auto list = list_from(response)) {
      go_on = on_update(*std::move(list));
    } else if (auto event = EventFrom(response)) {
      go_on = on_update(*std::move(event));
    }
    if (!go_on) {
      context.TryCancel();
      return absl::OkStatus();
    }
  }
  return channel.Explain(reader->Finish());
}

}  // namespace

class ControlClient::Impl {
 public:
  // place: a path, or a RemoteDaemon.
  template <typename Place>
  Impl(Place place, std::chrono::milliseconds timeout)
      : channel_(std::move(place), timeout),
        membership_(v1::Membership::NewStub(channel_.Channel())),
        services_(v1::Services::NewStub(channel_.Channel())),
        cluster_(v1::Cluster::NewStub(channel_.Channel())) {}

  const ControlChannel& Channel() const { return channel_; }
  v1::Membership::Stub& Membership() { return *membership_; }
  v1::Services::Stub& Services() { return *services_; }
  v1::Cluster::Stub& Cluster() { return *cluster_; }

  absl::StatusOr<int32_t> Evict(const v1::EvictRequest& request) {
    v1::EvictResponse response;
    const absl::Status status = channel_.Ask([&](grpc::ClientContext& context) {
      return membership_->Evict(&context, request, &response);
    });
    if (!status.ok()) return status;
    return response.pid();
  }

 private:
  const ControlChannel channel_;
  const std::unique_ptr<v1::Membership::Stub> membership_;
  const std::unique_ptr<v1::Services::Stub> services_;
  const std::unique_ptr<v1::Cluster::Stub> cluster_;
};

ControlClient::ControlClient(std::string socket_path, std::chrono::milliseconds timeout)
    : impl_(std::make_unique<Impl>(std::move(socket_path), timeout)) {}

ControlClient::ControlClient(RemoteDaemon daemon, std::chrono::milliseconds timeout)
    : impl_(std::make_unique<Impl>(std::move(daemon), timeout)) {}

ControlClient::~ControlClient() = default;

absl::StatusOr<PeerList> ControlClient::ListPeers() {
  v1::ListPeersResponse response;
  const absl::Status status = impl_->Channel().Ask([&](grpc::ClientContext& context) {
    return impl_->Membership().ListPeers(&context, {}, &response);
  });
  if (!status.ok()) return status;
  return PeerList{FromListResponse(response), response.region_uuid()};
}

absl::StatusOr<RegionInfo> ControlClient::GetRegion() {
  v1::GetRegionResponse response;
  const absl::Status status = impl_->Channel().Ask([&](grpc::ClientContext& context) {
    return impl_->Membership().GetRegion(&context, {}, &response);
  });
  if (!status.ok()) return status;
  return FromRegion(response.region());
}

absl::StatusOr<PeerList> ControlClient::DescribePeer(uint32_t slot) {
  v1::DescribePeerRequest request;
  request.set_slot(slot);
  v1::DescribePeerResponse response;
  const absl::Status status = impl_->Channel().Ask([&](grpc::ClientContext& context) {
    return impl_->Membership().DescribePeer(&context, request, &response);
  });
  if (!status.ok()) return status;
  return PeerList{{response.revision(), {FromPeer(response.peer())}}, response.region_uuid()};
}

absl::StatusOr<ServiceList> ControlClient::ListServices() {
  v1::ListServicesResponse response;
  const absl::Status status = impl_->Channel().Ask([&](grpc::ClientContext& context) {
    return impl_->Services().ListServices(&context, {}, &response);
  });
  if (!status.ok()) return status;
  return FromListResponse(response);
}

absl::StatusOr<ClusterInfo> ControlClient::GetCluster() {
  v1::GetClusterResponse response;
  const absl::Status status = impl_->Channel().Ask([&](grpc::ClientContext& context) {
    return impl_->Cluster().GetCluster(&context, {}, &response);
  });
  if (!status.ok()) return status;
  return FromClusterResponse(response);
}

absl::StatusOr<int32_t> ControlClient::EvictPeer(uint32_t slot, uint32_t incarnation) {
  v1::EvictRequest request;
  request.mutable_peer()->set_slot(slot);
  request.mutable_peer()->set_incarnation(incarnation);
  return impl_->Evict(request);
}

absl::StatusOr<int32_t> ControlClient::EvictEndpoint(EndpointId id) {
  v1::EvictRequest request;
  request.mutable_endpoint()->set_index(id.index);
  request.mutable_endpoint()->set_incarnation(id.incarnation);
  return impl_->Evict(request);
}

absl::Status ControlClient::WatchPeers(uint64_t resume_after_revision,
                                       const std::string& region_uuid,
                                       const std::function<bool(const WatchUpdate&)>& on_update) {
  const auto list_from = [](const v1::WatchPeersResponse& response) -> std::optional<PeerList> {
    std::optional<MembershipSnapshot> snapshot = SnapshotFrom(response);
    if (!snapshot) return std::nullopt;
    return PeerList{*std::move(snapshot), response.snapshot().region_uuid()};
  };
  return Watch(impl_->Channel(), impl_->Membership(), &v1::Membership::Stub::WatchPeers,
               RequestFor<v1::WatchPeersRequest>(resume_after_revision, region_uuid), list_from,
               on_update);
}

absl::Status ControlClient::WatchServices(
    uint64_t resume_after_revision, const std::string& region_uuid,
    const std::function<bool(const ServiceUpdate&)>& on_update) {
  const auto list_from = [](const v1::WatchServicesResponse& response) {
    return SnapshotFrom(response);
  };
  return Watch(impl_->Channel(), impl_->Services(), &v1::Services::Stub::WatchServices,
               RequestFor<v1::WatchServicesRequest>(resume_after_revision, region_uuid), list_from,
               on_update);
}

}  // namespace tombolo::control

#include "control/client/regions_client.h"

#include <grpcpp/grpcpp.h>

#include <utility>

#include "control/client/service_stub.h"
#include "control/proto/convert_regions.h"
#include "control/proto/regions.grpc.pb.h"

namespace tombolo::control {
namespace {

// Of an answer that is one region.
template <typename Response>
absl::StatusOr<ServedRegion> RegionIn(const absl::StatusOr<Response>& response) {
  if (!response.ok()) return response.status();
  return FromServedRegion(response->region());
}

}  // namespace

class RegionsClient::Impl : public ServiceStub<v1::Regions> {
 public:
  using ServiceStub::ServiceStub;
};

RegionsClient::RegionsClient(std::string socket_path, std::chrono::milliseconds timeout)
    : impl_(std::make_unique<Impl>(std::move(socket_path), timeout)) {}

RegionsClient::~RegionsClient() = default;

absl::StatusOr<std::vector<ServedRegion>> RegionsClient::List() {
  const auto response = impl_->Ask(&v1::Regions::Stub::ListRegions, v1::ListRegionsRequest());
  if (!response.ok()) return response.status();
  std::vector<ServedRegion> regions;
  for (const v1::ServedRegion& message : response->regions()) {
    regions.push_back(FromServedRegion(message));
  }
  return regions;
}

absl::StatusOr<ServedRegion> RegionsClient::Describe(const std::string& name) {
  v1::DescribeRegionRequest request;
  request.set_name(name);
  return RegionIn(impl_->Ask(&v1::Regions::Stub::DescribeRegion, request));
}

absl::StatusOr<ServedRegion> RegionsClient::Create(const WantedRegion& wanted) {
  return RegionIn(impl_->Ask(&v1::Regions::Stub::CreateRegion, ToCreateRequest(wanted)));
}

absl::StatusOr<ServedRegion> RegionsClient::Resize(const std::string& name,
                                                   const WantedLimits& limits) {
  v1::ResizeRegionRequest request;
  request.set_name(name);
  *request.mutable_limits() = ToLimits(limits);
  return RegionIn(impl_->Ask(&v1::Regions::Stub::ResizeRegion, request));
}

absl::Status RegionsClient::Delete(const std::string& name) {
  v1::DeleteRegionRequest request;
  request.set_name(name);
  return impl_->Ask(&v1::Regions::Stub::DeleteRegion, request).status();
}

}  // namespace tombolo::control

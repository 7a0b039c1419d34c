// What callers of the control API may send: a request of whatever bytes, to any call, as an
// administrator and as somebody who is none; without a network. Every call ends at once; who is no
// administrator changes nothing, and what is answered can be read. What is kept of a region is read
// from such bytes too.
#include <google/protobuf/message.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/test/default_reactor_test_peer.h>

#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "control/daemon/region_spec.h"
#include "control/proto/admin.pb.h"
#include "control/proto/admin_values.h"
#include "control/proto/membership.pb.h"
#include "control/proto/region_values.h"
#include "control/proto/regions.pb.h"
#include "control/registry/membership.h"
#include "control/registry/registry.h"
#include "control/service/admin_actions.h"
#include "control/service/admin_service.h"
#include "control/service/caller_rights.h"
#include "control/service/membership_service.h"
#include "control/service/membership_view.h"
#include "control/service/region_actions.h"
#include "control/service/regions_service.h"
#include "control/service/services_service.h"
#include "control/service/watch_hub.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/region/geometry.h"

namespace tombolo::fuzz {
namespace {

namespace v1 = control::v1;

// Does what the daemon does with its arguments before it does anything else, and counts.
class Actions final : public control::AdminActions, public control::RegionActions {
 public:
  int Done() const { return done_; }

  void EvictPeer(uint32_t, uint32_t, EvictDone done) override { done(Counted(pid_t{1})); }
  void EvictEndpoint(EndpointId, EvictDone done) override { done(Counted(pid_t{1})); }
  LogLevels SetLogLevel(std::optional<control::LogLevel> level) override {
    return Counted(LogLevels{.now = level.value_or(control::LogLevel::kInfo)});
  }
  void SetDraining(bool, DrainDone done) override { done(Counted(control::Remaining{})); }
  control::FsckSummary Fsck() override { return Counted(control::FsckSummary{}); }
  void ReadStatistics(StatisticsDone done) override { done(Counted(control::DaemonStatistics{})); }
  control::RegionActions* Regions() override { return this; }

  void ListRegions(ListDone done) override { done(Counted(std::vector<control::ServedRegion>(2))); }
  void DescribeRegion(std::string name, RegionDone done) override { done(Named(name)); }
  void CreateRegion(control::WantedRegion wanted, RegionDone done) override {
    if (absl::Status good = control::CheckRegionName(wanted.name); !good.ok()) return done(good);
    if (wanted.name.find_first_of("./") != std::string::npos) abort();
    Complete(wanted.name, wanted.limits, done);
  }
  void ResizeRegion(std::string name, control::WantedLimits wanted, RegionDone done) override {
    Complete(name, wanted, done);
  }
  void DeleteRegion(std::string, DeleteDone done) override { done(Counted(absl::OkStatus())); }

  void Stop() override {}

 private:
  template <typename T>
  T Counted(T value) {
    ++done_;
    return value;
  }

  // A name is told as it came, or it could be no string of a message.
  control::ServedRegion Named(const std::string& name) {
    control::ServedRegion region;
    region.name = name;
    return Counted(std::move(region));
  }

  void Complete(const std::string& name, const control::WantedLimits& wanted,
                const RegionDone& done) {
    const auto limits = control::CompleteLimits(wanted, RegionLimits());
    if (!limits.ok()) return done(limits.status());
    if (limits->region_bytes > kMaxRegionBytes || limits->slot_count > kMaxSlots) abort();
    done(Named(name));
  }

  int done_ = 0;
};

// All services, for one kind of caller.
class Served {
 public:
  Served(control::MembershipView& view, const control::CallerRights& rights)
      : hub(view, 1),
        membership(view, rights, hub),
        services(view, hub),
        admin(rights),
        regions(rights) {}

  control::WatchHub hub;
  control::MembershipService membership;
  control::ServicesService services;
  control::AdminService admin;
  control::RegionsService regions;
};

// Bytes that are no message are gRPC's own to refuse.
template <typename Service, typename Request, typename Response>
void Call(Service& service,
          grpc::ServerUnaryReactor* (Service::*method)(grpc::CallbackServerContext*, const Request*,
                                                       Response*),
          std::span<const uint8_t> bytes) {
  Request request;
  if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  Response response;
  grpc::CallbackServerContext context;
  grpc::testing::DefaultReactorTestPeer peer(&context);
  (service.*method)(&context, &request, &response);
  if (!peer.test_status_set()) abort();
  Response read;
  if (!read.ParseFromString(response.SerializeAsString())) abort();
}

void CallMembership(Served& served, uint32_t which, std::span<const uint8_t> bytes) {
  using S = control::MembershipService;
  switch (which % 4) {
    case 0:
      return Call(served.membership, &S::ListPeers, bytes);
    case 1:
      return Call(served.membership, &S::DescribePeer, bytes);
    case 2:
      return Call(served.membership, &S::GetRegion, bytes);
    default:
      return Call(served.membership, &S::Evict, bytes);
  }
}

void CallAdmin(Served& served, uint32_t which, std::span<const uint8_t> bytes) {
  using S = control::AdminService;
  switch (which % 5) {
    case 0:
      return Call(served.admin, &S::SetLogLevel, bytes);
    case 1:
      return Call(served.admin, &S::Drain, bytes);
    case 2:
      return Call(served.admin, &S::Undrain, bytes);
    case 3:
      return Call(served.admin, &S::Fsck, bytes);
    default:
      return Call(served.admin, &S::GetStatistics, bytes);
  }
}

void CallRegions(Served& served, uint32_t which, std::span<const uint8_t> bytes) {
  using S = control::RegionsService;
  switch (which % 5) {
    case 0:
      return Call(served.regions, &S::ListRegions, bytes);
    case 1:
      return Call(served.regions, &S::DescribeRegion, bytes);
    case 2:
      return Call(served.regions, &S::CreateRegion, bytes);
    case 3:
      return Call(served.regions, &S::ResizeRegion, bytes);
    default:
      return Call(served.regions, &S::DeleteRegion, bytes);
  }
}

// What is read comes out as it went in.
void CheckSpec(std::span<const uint8_t> bytes) {
  const auto spec = control::ParseRegionSpec(std::as_bytes(bytes));
  if (!spec.ok()) return;
  const auto again = control::ParseRegionSpec(control::ToBytes(*spec));
  if (!again.ok() || !control::AreSame(again->limits, spec->limits)) abort();
}

void CallOne(Served& served, uint32_t service, uint32_t which, std::span<const uint8_t> bytes) {
  switch (service % 5) {
    case 0:
      return CallMembership(served, which, bytes);
    case 1:
      return CallAdmin(served, which, bytes);
    case 2:
      return CallRegions(served, which, bytes);
    case 3:
      return Call(served.services, &control::ServicesService::ListServices, bytes);
    default:
      return CheckSpec(bytes);
  }
}

Bytes Seed(uint8_t service, uint8_t which, const google::protobuf::Message& request) {
  Bytes seed = {service, which};
  const std::string text = request.SerializeAsString();
  seed.insert(seed.end(), text.begin(), text.end());
  return seed;
}

}  // namespace

void RunInput(std::span<const uint8_t> bytes) {
  Input input(bytes);
  const uint32_t service = input.Byte();
  const uint32_t which = input.Byte();
  const std::span<const uint8_t> request = input.Rest();
  control::Registry registry;
  registry.OccupySlot(control::kHostSlot, control::PeerKind::kHost, 0).IgnoreError();
  control::MembershipViewOptions options;
  options.start = registry.Snapshot();
  control::MembershipView view(std::move(options));
  Actions actions;
  Served others(view, control::CallerRights::OfReaders("no"));
  CallOne(others, service, which, request);
  if (actions.Done() != 0) abort();
  Served administrators(view, control::CallerRights::OfAdministrators(actions));
  CallOne(administrators, service, which, request);
}

std::vector<Bytes> Seeds() {
  v1::EvictRequest evict;
  evict.mutable_peer()->set_slot(3);
  v1::SetLogLevelRequest level;
  level.set_level(v1::LOG_LEVEL_DEBUG);
  v1::CreateRegionRequest create;
  create.set_name("blue");
  create.mutable_limits()->set_size_bytes(uint64_t{2} << 20);
  create.mutable_limits()->set_slots(4);
  create.set_group("kvm");
  v1::ResizeRegionRequest resize;
  resize.set_name("blue");
  resize.mutable_limits()->set_endpoints(64);
  std::vector<Bytes> seeds = {Seed(0, 3, evict), Seed(1, 0, level), Seed(2, 2, create),
                              Seed(2, 3, resize), Seed(3, 0, v1::ListRegionsRequest())};
  Bytes spec = {4, 0};
  for (const std::byte byte : control::ToBytes({.limits = {}, .group = "kvm"})) {
    spec.push_back(static_cast<uint8_t>(byte));
  }
  seeds.push_back(spec);
  return seeds;
}

}  // namespace tombolo::fuzz

#include "control/service/membership_view.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace tombolo::control {
namespace {

// Null when no peer has it.
const EndpointInfo* FindEndpoint(const MembershipSnapshot& snapshot, EndpointId id) {
  for (const PeerInfo& peer : snapshot.peers) {
    const auto found = std::ranges::find(peer.endpoints, id, &EndpointInfo::id);
    if (found != peer.endpoints.end()) return &*found;
  }
  return nullptr;
}

// A writer attaches before it writes, and writes nothing any more when it is gone.
ServiceInfo WithWriter(const ServiceEntry& service, const MembershipSnapshot& members) {
  ServiceInfo info{.entry = service};
  if (const EndpointInfo* writer = FindEndpoint(members, service.writer)) {
    info.writer_slot = writer->slot;
    info.writer_name = writer->name;
  } else {
    info.entry.writer = {};
  }
  return info;
}

}  // namespace

MembershipView::MembershipView(MembershipViewOptions options)
    : region_(std::move(options.region)),
      free_bytes_(std::move(options.free_bytes)),
      replica_(std::move(options.start)),
      service_log_(options.history_events, options.first_service_revision),
      history_(options.history_events, replica_.revision) {}

void MembershipView::Publish(const MembershipEvent& event) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!Apply(event, replica_)) std::abort();
  history_.Add(event);
  for (const auto& [token, listener] : listeners_) listener();
}

void MembershipView::SetServices(std::vector<ServiceEntry> services) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (services == services_) return;
  services_ = std::move(services);
  std::vector<ServiceInfo> told;
  for (const ServiceEntry& service : services_) told.push_back(WithWriter(service, replica_));
  if (!service_log_.Set(std::move(told))) return;
  for (const auto& [token, listener] : listeners_) listener();
}

ServiceList MembershipView::Services() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return {.services = service_log_.Services(),
          .region_uuid = region_.uuid,
          .revision = service_log_.Revision()};
}

absl::StatusOr<std::optional<ServiceEvent>> MembershipView::ServiceEventAfter(
    uint64_t revision) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return service_log_.After(revision);
}

MembershipSnapshot MembershipView::Snapshot() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return replica_;
}

MembershipView::PeerAt MembershipView::FindPeer(uint32_t slot) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = std::ranges::find(replica_.peers, slot, &PeerInfo::slot);
  if (found == replica_.peers.end()) return {replica_.revision, std::nullopt};
  return {replica_.revision, *found};
}

RegionInfo MembershipView::Region() const {
  RegionInfo region = region_;
  region.free_bytes = free_bytes_ ? free_bytes_() : 0;
  const std::lock_guard<std::mutex> lock(mutex_);
  region.membership_epoch = replica_.revision;
  return region;
}

absl::StatusOr<std::optional<MembershipEvent>> MembershipView::EventAfter(uint64_t revision) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const absl::StatusOr<const MembershipEvent*> next = history_.Next(revision);
  if (!next.ok()) return next.status();
  if (*next == nullptr) return std::optional<MembershipEvent>();
  return std::optional<MembershipEvent>(**next);
}

int MembershipView::AddListener(Listener listener) {
  const std::lock_guard<std::mutex> lock(mutex_);
  listeners_.emplace(next_token_, std::move(listener));
  return next_token_++;
}

void MembershipView::RemoveListener(int token) {
  const std::lock_guard<std::mutex> lock(mutex_);
  listeners_.erase(token);
}

}  // namespace tombolo::control

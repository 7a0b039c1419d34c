#include "control/proto/convert.h"

#include <string>
#include <vector>

namespace tombolo::control {
namespace {

using google::protobuf::RepeatedPtrField;
using google::protobuf::Timestamp;

constexpr int64_t kNsPerSecond = 1'000'000'000;

void ToTimestamp(int64_t unix_ns, Timestamp* timestamp) {
  timestamp->set_seconds(unix_ns / kNsPerSecond);
  timestamp->set_nanos(static_cast<int32_t>(unix_ns % kNsPerSecond));
}

int64_t FromTimestamp(const Timestamp& timestamp) {
  return timestamp.seconds() * kNsPerSecond + timestamp.nanos();
}

v1::Endpoint ToEndpoint(const EndpointInfo& endpoint) {
  v1::Endpoint message;
  message.set_index(endpoint.id.index);
  message.set_incarnation(endpoint.id.incarnation);
  message.set_name(endpoint.name);
  message.set_pid(endpoint.pid);
  message.set_vector(endpoint.vector);
  ToTimestamp(endpoint.attached_unix_ns, message.mutable_attached_at());
  return message;
}

void ToEndpoints(const std::vector<EndpointInfo>& endpoints, RepeatedPtrField<v1::Endpoint>* list) {
  for (const EndpointInfo& endpoint : endpoints) *list->Add() = ToEndpoint(endpoint);
}

std::vector<EndpointInfo> FromEndpoints(uint32_t slot, const RepeatedPtrField<v1::Endpoint>& list) {
  std::vector<EndpointInfo> endpoints;
  for (const v1::Endpoint& message : list) {
    EndpointInfo endpoint;
    endpoint.id = {message.index(), message.incarnation()};
    endpoint.slot = slot;
    endpoint.vector = message.vector();
    endpoint.pid = message.pid();
    endpoint.name = message.name();
    endpoint.attached_unix_ns = FromTimestamp(message.attached_at());
    endpoints.push_back(std::move(endpoint));
  }
  return endpoints;
}

std::vector<PeerInfo> FromPeers(const RepeatedPtrField<v1::Peer>& list) {
  std::vector<PeerInfo> peers;
  for (const v1::Peer& peer : list) peers.push_back(FromPeer(peer));
  return peers;
}

v1::PeerChanged::Reason ToReason(EventKind kind) {
  switch (kind) {
    case EventKind::kBrokerReady:
      return v1::PeerChanged::REASON_BROKER_READY;
    case EventKind::kPeerRebooted:
      return v1::PeerChanged::REASON_REBOOTED;
    case EventKind::kEndpointAttached:
      return v1::PeerChanged::REASON_ENDPOINT_ATTACHED;
    case EventKind::kEndpointGone:
      return v1::PeerChanged::REASON_ENDPOINT_GONE;
    case EventKind::kPeerJoined:
    case EventKind::kPeerLeft:
      break;
  }
  return v1::PeerChanged::REASON_UNSPECIFIED;
}

std::optional<EventKind> FromReason(v1::PeerChanged::Reason reason) {
  switch (reason) {
    case v1::PeerChanged::REASON_BROKER_READY:
      return EventKind::kBrokerReady;
    case v1::PeerChanged::REASON_REBOOTED:
      return EventKind::kPeerRebooted;
    case v1::PeerChanged::REASON_ENDPOINT_ATTACHED:
      return EventKind::kEndpointAttached;
    case v1::PeerChanged::REASON_ENDPOINT_GONE:
      return EventKind::kEndpointGone;
    default:
      return std::nullopt;
  }
}

MembershipEvent MakeEvent(uint64_t revision, EventKind kind, const v1::Peer& peer,
                          const RepeatedPtrField<v1::Endpoint>& endpoints) {
  return {revision, kind, FromPeer(peer), FromEndpoints(peer.slot(), endpoints)};
}

v1::ServiceState StateOf(const ServiceEntry& service) {
  if (service.is_going) return v1::SERVICE_STATE_GOING;
  return service.writer == EndpointId{} ? v1::SERVICE_STATE_WAITING : v1::SERVICE_STATE_WRITTEN;
}

v1::Service ToService(const ServiceInfo& service) {
  v1::Service message;
  message.set_name(service.entry.name);
  message.set_index(service.entry.index);
  message.set_incarnation(service.entry.incarnation);
  message.set_state(StateOf(service.entry));
  message.set_maker_slot(service.entry.maker_slot);
  if (service.entry.writer == EndpointId{}) return message;
  v1::ServiceWriter& writer = *message.mutable_writer();
  writer.mutable_endpoint()->set_index(service.entry.writer.index);
  writer.mutable_endpoint()->set_incarnation(service.entry.writer.incarnation);
  writer.set_slot(service.writer_slot);
  writer.set_name(service.writer_name);
  return message;
}

ServiceInfo FromService(const v1::Service& message) {
  ServiceInfo service;
  service.entry.name = message.name();
  service.entry.index = message.index();
  service.entry.incarnation = message.incarnation();
  service.entry.is_going = message.state() == v1::SERVICE_STATE_GOING;
  service.entry.maker_slot = message.maker_slot();
  const v1::EndpointId& writer = message.writer().endpoint();
  service.entry.writer = {writer.index(), writer.incarnation()};
  service.writer_slot = message.writer().slot();
  service.writer_name = message.writer().name();
  return service;
}

std::vector<ServiceInfo> FromServices(const RepeatedPtrField<v1::Service>& list) {
  std::vector<ServiceInfo> services;
  for (const v1::Service& service : list) services.push_back(FromService(service));
  return services;
}

}  // namespace

v1::Peer ToPeer(const PeerInfo& peer) {
  v1::Peer message;
  message.set_slot(peer.slot);
  message.set_kind(peer.kind == PeerKind::kHost ? v1::PEER_KIND_HOST : v1::PEER_KIND_VM);
  message.set_state(peer.state == PeerState::kReady ? v1::PEER_STATE_READY
                                                    : v1::PEER_STATE_CONNECTED);
  message.set_incarnation(peer.incarnation);
  message.set_boot_id(peer.boot_id);
  ToTimestamp(peer.joined_unix_ns, message.mutable_joined_at());
  ToEndpoints(peer.endpoints, message.mutable_endpoints());
  return message;
}

PeerInfo FromPeer(const v1::Peer& message) {
  PeerInfo peer;
  peer.slot = message.slot();
  peer.kind = message.kind() == v1::PEER_KIND_HOST ? PeerKind::kHost : PeerKind::kVm;
  peer.state = message.state() == v1::PEER_STATE_READY ? PeerState::kReady : PeerState::kConnected;
  peer.incarnation = message.incarnation();
  peer.boot_id = message.boot_id();
  peer.joined_unix_ns = FromTimestamp(message.joined_at());
  peer.endpoints = FromEndpoints(peer.slot, message.endpoints());
  return peer;
}

v1::Region ToRegion(const RegionInfo& region) {
  v1::Region message;
  message.set_uuid(region.uuid);
  message.set_size_bytes(region.size_bytes);
  message.set_slots(region.slots);
  message.set_vectors(region.vectors);
  message.set_endpoints(region.endpoints);
  message.set_layout_version(region.layout_version);
  message.set_membership_epoch(region.membership_epoch);
  message.set_free_bytes(region.free_bytes);
  return message;
}

RegionInfo FromRegion(const v1::Region& message) {
  RegionInfo region;
  region.uuid = message.uuid();
  region.size_bytes = message.size_bytes();
  region.slots = message.slots();
  region.vectors = message.vectors();
  region.endpoints = message.endpoints();
  region.layout_version = message.layout_version();
  region.membership_epoch = message.membership_epoch();
  region.free_bytes = message.free_bytes();
  return region;
}

v1::WatchPeersResponse ToWatchResponse(const MembershipEvent& event) {
  v1::WatchPeersResponse response;
  response.set_revision(event.revision);
  if (event.kind == EventKind::kPeerJoined) {
    *response.mutable_joined()->mutable_peer() = ToPeer(event.peer);
  } else if (event.kind == EventKind::kPeerLeft) {
    *response.mutable_left()->mutable_peer() = ToPeer(event.peer);
    ToEndpoints(event.endpoints, response.mutable_left()->mutable_endpoints());
  } else {
    response.mutable_changed()->set_reason(ToReason(event.kind));
    *response.mutable_changed()->mutable_peer() = ToPeer(event.peer);
    ToEndpoints(event.endpoints, response.mutable_changed()->mutable_endpoints());
  }
  return response;
}

v1::WatchPeersResponse ToWatchResponse(const MembershipSnapshot& snapshot,
                                       const std::string& region_uuid) {
  v1::WatchPeersResponse response;
  response.set_revision(snapshot.revision);
  response.mutable_snapshot()->set_region_uuid(region_uuid);
  for (const PeerInfo& peer : snapshot.peers) {
    *response.mutable_snapshot()->add_peers() = ToPeer(peer);
  }
  return response;
}

v1::ListPeersResponse ToListResponse(const MembershipSnapshot& snapshot,
                                     const std::string& region_uuid) {
  v1::ListPeersResponse response;
  response.set_revision(snapshot.revision);
  response.set_region_uuid(region_uuid);
  for (const PeerInfo& peer : snapshot.peers) *response.add_peers() = ToPeer(peer);
  return response;
}

v1::ListServicesResponse ToListResponse(const ServiceList& list) {
  v1::ListServicesResponse response;
  response.set_region_uuid(list.region_uuid);
  response.set_revision(list.revision);
  for (const ServiceInfo& service : list.services) *response.add_services() = ToService(service);
  return response;
}

ServiceList FromListResponse(const v1::ListServicesResponse& response) {
  return {.services = FromServices(response.services()),
          .region_uuid = response.region_uuid(),
          .revision = response.revision()};
}

v1::WatchServicesResponse ToWatchResponse(const ServiceList& list) {
  v1::WatchServicesResponse response;
  response.set_revision(list.revision);
  response.mutable_snapshot()->set_region_uuid(list.region_uuid);
  for (const ServiceInfo& service : list.services) {
    *response.mutable_snapshot()->add_services() = ToService(service);
  }
  return response;
}

v1::WatchServicesResponse ToWatchResponse(const ServiceEvent& event) {
  v1::WatchServicesResponse response;
  response.set_revision(event.revision);
  switch (event.kind) {
    case ServiceEvent::Kind::kAppeared:
      *response.mutable_appeared() = ToService(event.service);
      break;
    case ServiceEvent::Kind::kChanged:
      *response.mutable_changed() = ToService(event.service);
      break;
    case ServiceEvent::Kind::kGone:
      *response.mutable_gone() = ToService(event.service);
      break;
  }
  return response;
}

std::optional<ServiceList> SnapshotFrom(const v1::WatchServicesResponse& response) {
  if (!response.has_snapshot()) return std::nullopt;
  return ServiceList{.services = FromServices(response.snapshot().services()),
                     .region_uuid = response.snapshot().region_uuid(),
                     .revision = response.revision()};
}

std::optional<ServiceEvent> EventFrom(const v1::WatchServicesResponse& response) {
  using Kind = ServiceEvent::Kind;
  const uint64_t revision = response.revision();
  if (response.has_appeared()) {
    return ServiceEvent{revision, Kind::kAppeared, FromService(response.appeared())};
  }
  if (response.has_changed()) {
    return ServiceEvent{revision, Kind::kChanged, FromService(response.changed())};
  }
  if (response.has_gone()) {
    return ServiceEvent{revision, Kind::kGone, FromService(response.gone())};
  }
  return std::nullopt;
}

MembershipSnapshot FromListResponse(const v1::ListPeersResponse& response) {
  return {response.revision(), FromPeers(response.peers())};
}

std::optional<MembershipSnapshot> SnapshotFrom(const v1::WatchPeersResponse& response) {
  if (!response.has_snapshot()) return std::nullopt;
  return MembershipSnapshot{response.revision(), FromPeers(response.snapshot().peers())};
}

std::optional<MembershipEvent> EventFrom(const v1::WatchPeersResponse& response) {
  const uint64_t revision = response.revision();
  if (response.has_joined()) {
    return MakeEvent(revision, EventKind::kPeerJoined, response.joined().peer(), {});
  }
  if (response.has_left()) {
    return MakeEvent(revision, EventKind::kPeerLeft, response.left().peer(),
                     response.left().endpoints());
  }
  const std::optional<EventKind> kind = FromReason(response.changed().reason());
  if (!response.has_changed() || !kind) return std::nullopt;
  return MakeEvent(revision, *kind, response.changed().peer(), response.changed().endpoints());
}

}  // namespace tombolo::control

#include "control/proto/convert_cluster.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "control/proto/convert.h"

namespace tombolo::control {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

v1::EtcdState ToState(EtcdState state) {
  switch (state) {
    case EtcdState::kConnecting:
      return v1::ETCD_STATE_CONNECTING;
    case EtcdState::kConnected:
      return v1::ETCD_STATE_CONNECTED;
    case EtcdState::kUnreachable:
      return v1::ETCD_STATE_UNREACHABLE;
    case EtcdState::kNameTaken:
      return v1::ETCD_STATE_NAME_TAKEN;
  }
  return v1::ETCD_STATE_UNSPECIFIED;
}

// What is not known is nothing to rely on.
EtcdState FromState(v1::EtcdState state) {
  switch (state) {
    case v1::ETCD_STATE_CONNECTED:
      return EtcdState::kConnected;
    case v1::ETCD_STATE_UNREACHABLE:
      return EtcdState::kUnreachable;
    case v1::ETCD_STATE_NAME_TAKEN:
      return EtcdState::kNameTaken;
    default:
      return EtcdState::kConnecting;
  }
}

void ToRegionMessage(const ClusterRegion& region, v1::ClusterRegion* message) {
  *message->mutable_region() = ToRegion(region.region);
  for (const ClusterPeer& peer : region.peers) {
    v1::ClusterPeer& one = *message->add_peers();
    *one.mutable_peer() = ToPeer(peer.peer);
    for (const EndpointCount& endpoints : peer.endpoints) {
      v1::EndpointCount& count = *one.add_endpoints();
      count.set_name(endpoints.name);
      count.set_count(endpoints.count);
    }
  }
  *message->mutable_services() =
      ToListResponse(ServiceList{region.services, region.region.uuid}).services();
}

ClusterRegion FromRegionMessage(const v1::ClusterRegion& message) {
  ClusterRegion region{.region = FromRegion(message.region()), .peers = {}, .services = {}};
  for (const v1::ClusterPeer& one : message.peers()) {
    ClusterPeer peer{.peer = FromPeer(one.peer()), .endpoints = {}};
    for (const v1::EndpointCount& count : one.endpoints()) {
      peer.endpoints.push_back({count.name(), count.count()});
    }
    region.peers.push_back(std::move(peer));
  }
  v1::ListServicesResponse services;
  *services.mutable_services() = message.services();
  region.services = FromListResponse(services).services;
  return region;
}

void ToHostMessage(const ClusterHost& host, v1::ClusterHost* message) {
  message->set_name(host.name);
  message->set_instance(host.instance);
  for (const ClusterMachine& machine : host.machines) {
    v1::ClusterMachine& one = *message->add_machines();
    one.set_slot(machine.slot);
    one.set_name(machine.name);
    one.set_cpus(machine.cpus);
  }
  for (const std::string& address : host.kv_servers) message->add_kv_servers(address);
  for (const ClusterRegion& region : host.regions) ToRegionMessage(region, message->add_regions());
}

ClusterHost FromHostMessage(const v1::ClusterHost& message) {
  ClusterHost host{.name = message.name(),
                   .instance = message.instance(),
                   .machines = {},
                   .kv_servers = {message.kv_servers().begin(), message.kv_servers().end()},
                   .regions = {}};
  for (const v1::ClusterMachine& one : message.machines()) {
    host.machines.push_back({one.slot(), one.name(), one.cpus()});
  }
  for (const v1::ClusterRegion& one : message.regions()) {
    host.regions.push_back(FromRegionMessage(one));
  }
  return host;
}

}  // namespace

v1::GetClusterResponse ToClusterResponse(const ClusterInfo& info) {
  v1::GetClusterResponse response;
  response.set_state(ToState(info.state));
  response.set_problem(info.problem);
  if (info.age_ns) {
    response.mutable_age()->set_seconds(*info.age_ns / kNsPerSecond);
    response.mutable_age()->set_nanos(static_cast<int32_t>(*info.age_ns % kNsPerSecond));
  }
  response.set_own_host(info.own_host);
  response.set_refused_values(info.refused_values);
  for (const ClusterHost& host : info.hosts) ToHostMessage(host, response.add_hosts());
  return response;
}

ClusterInfo FromClusterResponse(const v1::GetClusterResponse& response) {
  ClusterInfo info;
  info.state = FromState(response.state());
  info.problem = response.problem();
  info.own_host = response.own_host();
  if (response.has_age()) {
    info.age_ns = response.age().seconds() * kNsPerSecond + response.age().nanos();
  }
  info.refused_values = response.refused_values();
  for (const v1::ClusterHost& host : response.hosts()) {
    info.hosts.push_back(FromHostMessage(host));
  }
  return info;
}

}  // namespace tombolo::control

// The values in which a cluster is told: which hosts there are, and who is in the region of each.
// Plain copies, that may cross threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/registry/membership.h"
#include "control/registry/region_info.h"
#include "control/registry/service_info.h"

namespace tombolo::control {

// Endpoints of one peer that have the same name.
struct EndpointCount {
  std::string name;
  uint32_t count = 0;

  friend bool operator==(const EndpointCount&, const EndpointCount&) = default;
};

struct ClusterPeer {
  PeerInfo peer;                         // Without its endpoints.
  std::vector<EndpointCount> endpoints;  // By name; of very many names the first.

  friend bool operator==(const ClusterPeer&, const ClusterPeer&) = default;
};

struct ClusterRegion {
  RegionInfo region;  // Its free bytes are not told.
  std::vector<ClusterPeer> peers;
  std::vector<ServiceInfo> services;

  friend bool operator==(const ClusterRegion&, const ClusterRegion&) = default;
};

// A machine where programs can be started: the host, or a virtual machine of it. Only an operator
// knows by which name.
struct ClusterMachine {
  uint32_t slot = 0;
  std::string name;
  uint32_t cpus = 1;

  friend bool operator==(const ClusterMachine&, const ClusterMachine&) = default;
};

struct ClusterHost {
  std::string name;
  std::string instance = {};  // Of its tombolod: the uuid of its region.
  std::vector<ClusterMachine> machines = {};
  std::vector<std::string> kv_servers = {};  // HOST:PORT.
  std::vector<ClusterRegion> regions = {};

  friend bool operator==(const ClusterHost&, const ClusterHost&) = default;
};

// How we are with etcd.
enum class EtcdState {
  kConnecting,   // It has not answered yet.
  kConnected,    // What is told of other hosts is as etcd has it.
  kUnreachable,  // It has answered once; what is told was so then.
  kNameTaken,    // As kConnected, but another host has our name, and ours is not published.
};

struct ClusterInfo {
  EtcdState state = EtcdState::kConnecting;
  std::string problem;  // A sentence, unless connected.
  std::string own_host;
  std::optional<int64_t> age_ns;   // Since etcd last answered; unset: never.
  uint64_t refused_values = 0;     // Of the values in etcd now, those that make no sense.
  std::vector<ClusterHost> hosts;  // By name.
};

}  // namespace tombolo::control

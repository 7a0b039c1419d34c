#include "control/cluster/own_host.h"

#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "control/cluster/cluster_values.h"
#include "transport/base/errno_status.h"

namespace tombolo::control {
namespace {

ClusterPeer CountEndpoints(PeerInfo peer) {
  std::map<std::string, uint32_t> counts;
  for (const EndpointInfo& endpoint : peer.endpoints) ++counts[endpoint.name];
  ClusterPeer counted{.peer = std::move(peer), .endpoints = {}};
  counted.peer.endpoints.clear();
  for (const auto& [name, count] : counts) counted.endpoints.push_back({name, count});
  return counted;
}

ClusterRegion OwnRegion(const MembershipView& membership) {
  ClusterRegion region{.region = membership.Region(), .peers = {}, .services = {}};
  MembershipSnapshot snapshot = membership.Snapshot();
  region.region.membership_epoch = snapshot.revision;
  region.region.free_bytes = 0;
  for (PeerInfo& peer : snapshot.peers) region.peers.push_back(CountEndpoints(std::move(peer)));
  region.services = membership.Services().services;
  return region;
}

}  // namespace

absl::StatusOr<std::string> HostNameOfKernel() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0)
    return ErrnoStatus(errno, "get the host name");
  const absl::Status checked = CheckHostName(name.data());
  if (checked.ok()) return std::string(name.data());
  return absl::InvalidArgumentError(absl::StrCat("the host name is \"", name.data(),
                                                 "\": ", std::string(checked.message()),
                                                 " Give --cluster-host."));
}

ClusterHost OwnHost(const ClusterOptions& options, const MembershipView& membership) {
  ClusterHost host{.name = options.host,
                   .instance = {},
                   .machines = {},
                   .kv_servers = options.kv_servers,
                   .regions = {OwnRegion(membership)}};
  host.instance = host.regions.front().region.uuid;
  for (const std::string& text : options.machines) {
    if (absl::StatusOr<ClusterMachine> machine = ParseMachine(text); machine.ok()) {
      host.machines.push_back(*std::move(machine));
    }
  }
  if (host.machines.empty()) {
    const uint32_t cpus = std::max(1U, std::thread::hardware_concurrency());
    host.machines.push_back({.slot = kHostSlot, .name = options.host, .cpus = cpus});
  }
  return host;
}

}  // namespace tombolo::control

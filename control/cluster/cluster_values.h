// What is in etcd: keys, and values in JSON (docs/cluster.md has the schema).
//
//   PREFIX/v1/hosts/HOST/host            who that host is: the claim of its name
//   PREFIX/v1/hosts/HOST/regions/UUID    a region of it: peers and services
//
// Whoever may write etcd writes what they like, so that a value is checked as one from an enemy:
// its size before it is looked at, then every field; what is not known is skipped, so that fields
// can be added. A value that is refused is as good as none.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/cluster/cluster_info.h"

namespace tombolo::control {

inline constexpr size_t kMaxHostNameBytes = 63;
inline constexpr size_t kMaxClusterValueBytes = size_t{512} << 10;
inline constexpr size_t kMaxMachinesPerHost = 256;
inline constexpr size_t kMaxKvServersPerHost = 64;

// InvalidArgument unless it is what a host may be called: letters, digits, '-', '_' and '.', and a
// letter or digit first. So it is no way out of the prefix, nor an option of ssh.
absl::Status CheckHostName(const std::string& name);

// InvalidArgument unless it is 1 to 255 bytes as in "10.0.0.1:11211", "cache.example:11211" or
// "[fd00::1]:11211".
absl::Status CheckHostPort(const std::string& address);

// "3=vm3", "3=vm3:8": slot, name, processors (1 if it is not said).
absl::StatusOr<ClusterMachine> ParseMachine(const std::string& text);

// Before the names of hosts: "PREFIX/v1/hosts/".
std::string HostsPrefix(const std::string& prefix);
std::string HostKey(const std::string& prefix, const std::string& host);
std::string RegionKey(const std::string& prefix, const std::string& host, const std::string& uuid);

struct ClusterKey {
  std::string host;
  std::string region;  // Its uuid; empty for the host's own key.
};

// None for what is no key of ours.
std::optional<ClusterKey> ParseClusterKey(const std::string& prefix, const std::string& key);

// Without its regions.
std::string HostValue(const ClusterHost& host);
absl::StatusOr<ClusterHost> ParseHostValue(const ClusterKey& key, const std::string& value);

// A value that would be too large leaves endpoints out.
std::string RegionValue(const ClusterRegion& region);
absl::StatusOr<ClusterRegion> ParseRegionValue(const ClusterKey& key, const std::string& value);

}  // namespace tombolo::control

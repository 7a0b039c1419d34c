// What anybody may write into the etcd of a cluster: keys and values. What is taken is written
// again and read as the same; what is told of has one occupant for each slot.
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "control/cluster/cluster_info.h"
#include "control/cluster/cluster_values.h"
#include "control/cluster/cluster_view.h"
#include "control/cluster/etcd_item.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"

namespace tombolo::fuzz {
namespace {

using control::ClusterHost;
using control::ClusterKey;
using control::ClusterRegion;
using control::ClusterView;
using control::EtcdChange;
using control::EtcdItem;

constexpr char kUuid[] = "1b4e28ba-2fa1-41d2-883f-0016d3cca427";
constexpr char kPrefix[] = "/t";
constexpr int kMostSteps = 16;

std::string Text(std::span<const uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

void ReadHost(const std::string& value) {
  const ClusterKey key{"a", ""};
  const absl::StatusOr<ClusterHost> host = control::ParseHostValue(key, value);
  if (!host.ok()) return;
  const absl::StatusOr<ClusterHost> again = control::ParseHostValue(key, HostValue(*host));
  if (!again.ok() || *again != *host) abort();
}

void ReadRegion(const std::string& value) {
  const ClusterKey key{"a", kUuid};
  const absl::StatusOr<ClusterRegion> region = control::ParseRegionValue(key, value);
  if (!region.ok()) return;
  const absl::StatusOr<ClusterRegion> again = control::ParseRegionValue(key, RegionValue(*region));
  if (!again.ok() || *again != *region) abort();
  for (size_t i = 1; i < region->peers.size(); ++i) {
    if (region->peers[i].peer.slot <= region->peers[i - 1].peer.slot) abort();
  }
}

// A short key of any kind, and often one of ours.
std::string KeyFrom(Input& input) {
  switch (input.Below(4)) {
    case 0:
      return control::HostKey(kPrefix, "a");
    case 1:
      return control::RegionKey(kPrefix, "a", kUuid);
    case 2:
      return control::HostKey(kPrefix, Text(input.Take(4)));
    default:
      return Text(input.Take(16));
  }
}

void Follow(Input& input) {
  ClusterView view(kPrefix, [] { return ClusterHost{.name = "own"}; });
  for (int i = 0; i < kMostSteps && !input.IsEmpty(); ++i) {
    const bool is_gone = input.Below(4) == 0;
    const std::string key = KeyFrom(input);
    view.Apply({EtcdChange{is_gone, EtcdItem{key, Text(input.Take(input.Byte())), 1, 1}}});
  }
  if (view.Info(0).hosts.empty()) abort();
}

Bytes BytesOf(const std::string& text) { return {text.begin(), text.end()}; }

}  // namespace

void RunInput(std::span<const uint8_t> bytes) {
  ReadHost(Text(bytes));
  ReadRegion(Text(bytes));
  Input input(bytes);
  Follow(input);
}

std::vector<Bytes> Seeds() {
  ClusterRegion region;
  region.region.uuid = kUuid;
  region.region.slots = 2;
  region.peers.resize(1);
  region.peers[0].endpoints = {{"rank", 4}};
  region.services.resize(1);
  region.services[0].entry.name = "cache";
  return {
      BytesOf(control::HostValue({.name = "a",
                                  .instance = kUuid,
                                  .machines = {{0, "m", 8}},
                                  .kv_servers = {"10.0.0.1:11211"}})),
      BytesOf(RegionValue(region)),
      BytesOf("{"),
      {1, 0, 2, '{', '}', 1, 1, 1, 'x', 0, 0, 0},
  };
}

}  // namespace tombolo::fuzz

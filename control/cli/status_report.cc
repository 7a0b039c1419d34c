#include "control/cli/status_report.h"

#include <algorithm>
#include <utility>

#include "control/counters/endpoint_counters.h"
#include "transport/base/units.h"
#include "transport/endpoint/membership_view.h"
#include "transport/fsck/check_region.h"
#include "transport/layout/member_table.h"
#include "transport/region/uuid_text.h"

namespace tombolo::control {
namespace {

// The daemon may be changing a record while it is read (transport/layout/member_table.h).
constexpr int kAttempts = 8;

MemoryStatus ReadMemory(const RegionReport& report) {
  return {.all = report.extent_count * kExtentBytes,
          .free = report.free_extents * kExtentBytes,
          .owned = report.owned_extents * kExtentBytes,
          .quarantine = report.quarantine_extents * kExtentBytes,
          .services = report.service_extents * kExtentBytes,
          .lost = report.lost_extents * kExtentBytes,
          .changing = report.changing_extents * kExtentBytes};
}

// Nothing when the slot is vacant, or its record says what no daemon writes.
std::optional<PeerStatus> FromWords(uint32_t slot, uint64_t identity, uint64_t kind,
                                    uint64_t joined_unix_ns) {
  const uint32_t state = IdentityState(identity);
  const bool is_ready = state == static_cast<uint32_t>(SlotState::kReady);
  if (!is_ready && state != static_cast<uint32_t>(SlotState::kConnected)) return std::nullopt;
  const bool is_host = kind == static_cast<uint64_t>(SlotKind::kHost);
  return PeerStatus{.slot = slot,
                    .kind = is_host ? PeerKind::kHost : PeerKind::kVm,
                    .state = is_ready ? PeerState::kReady : PeerState::kConnected,
                    .incarnation = IdentityIncarnation(identity),
                    .joined_unix_ns = static_cast<int64_t>(joined_unix_ns),
                    .endpoints = {}};
}

std::optional<PeerStatus> ReadSlot(const Region& region, uint32_t slot) {
  const SlotRecord& record = region.Slot(slot);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    // Acquire: pairs with the daemon's release store of identity, so the rest is that occupation's.
    const uint64_t identity = record.identity.load(std::memory_order_acquire);
    // Relaxed: a mixture is found out by the last load.
    const uint64_t kind = record.kind.load(std::memory_order_relaxed);
    const uint64_t joined_unix_ns = record.joined_unix_ns.load(std::memory_order_relaxed);
    // seq_cst: as in transport/endpoint/record_snapshot.h.
    if (record.identity.load(std::memory_order_seq_cst) != identity) continue;
    return FromWords(slot, identity, kind, joined_unix_ns);
  }
  return std::nullopt;
}

std::vector<PeerStatus> ReadPeers(const Region& region, const RegionStat& stat) {
  std::vector<PeerStatus> peers;
  for (uint32_t slot = 0; slot < region.Limits().slot_count; ++slot) {
    std::optional<PeerStatus> peer = ReadSlot(region, slot);
    if (!peer) continue;
    for (const EndpointStat& endpoint : stat.endpoints) {
      if (endpoint.info.slot == slot) peer->endpoints.push_back(endpoint.info.name);
    }
    peers.push_back(*std::move(peer));
  }
  return peers;
}

uint64_t MessagesOf(const EndpointStat& stat) {
  return ValueOf(stat.counters, "messages_sent") + ValueOf(stat.counters, "messages_received");
}

std::vector<EndpointStat> BusiestOf(std::vector<EndpointStat> endpoints) {
  std::erase_if(endpoints, [](const EndpointStat& stat) { return MessagesOf(stat) == 0; });
  std::ranges::stable_sort(endpoints, std::ranges::greater(), MessagesOf);
  if (endpoints.size() > kBusiest) endpoints.resize(kBusiest);
  return endpoints;
}

}  // namespace

StatusReport ReadStatus(const Region& region, std::string where) {
  RegionStat stat = ReadStat(region);
  const MemoryStatus memory = ReadMemory(CheckRegion(region));
  const RegionLimits& limits = region.Limits();
  StatusReport report;
  report.where = std::move(where);
  report.region = {.uuid = stat.region_uuid,
                   .size_bytes = limits.region_bytes,
                   .slots = limits.slot_count,
                   .vectors = limits.vector_count,
                   .endpoints = limits.endpoint_count,
                   .layout_version = kLayoutVersion,  // Region::Attach takes no other.
                   .membership_epoch = stat.membership_epoch,
                   .free_bytes = memory.free};
  report.peers = ReadPeers(region, stat);
  report.memory = memory;
  report.busiest = BusiestOf(std::move(stat.endpoints));
  return report;
}

StatusReport StatusFrom(const RegionInfo& region, const PeerList& list) {
  StatusReport report;
  report.region = region;
  for (const PeerInfo& peer : list.snapshot.peers) {
    PeerStatus status{.slot = peer.slot,
                      .kind = peer.kind,
                      .state = peer.state,
                      .incarnation = peer.incarnation,
                      .joined_unix_ns = peer.joined_unix_ns,
                      .endpoints = {}};
    for (const EndpointInfo& endpoint : peer.endpoints) status.endpoints.push_back(endpoint.name);
    report.peers.push_back(std::move(status));
  }
  return report;
}

}  // namespace tombolo::control

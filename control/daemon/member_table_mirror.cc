#include "control/daemon/member_table_mirror.h"

#include <string.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace tombolo::control {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The 16 bytes of a UUID in text, as two words; other text gives what its hexadecimal digits say.
std::array<uint64_t, 2> BootIdWords(std::string_view text) {
  std::array<uint8_t, 16> bytes{};
  size_t digits = 0;
  for (char c : text) {
    const int digit = HexDigit(c);
    if (digit < 0 || digits == 2 * bytes.size()) continue;
    bytes[digits / 2] = static_cast<uint8_t>(bytes[digits / 2] << 4 | digit);
    ++digits;
  }
  std::array<uint64_t, 2> words;
  memcpy(words.data(), bytes.data(), sizeof(words));
  return words;
}

SlotKind KindOf(const PeerInfo& peer) {
  return peer.kind == PeerKind::kHost ? SlotKind::kHost : SlotKind::kVm;
}

SlotState StateOf(const PeerInfo& peer) {
  return peer.state == PeerState::kReady ? SlotState::kReady : SlotState::kConnected;
}

}  // namespace

void MemberTableMirror::Restore(const RegistryState& state) {
  for (const SlotEntry& entry : state.slots) {
    if (entry.peer.incarnation == 0) continue;
    WriteSlot(entry.peer, entry.occupied ? StateOf(entry.peer) : SlotState::kVacant);
  }
  RestoreHighWater(state);
  for (const EndpointEntry& entry : state.endpoints) RestoreEndpoint(entry, state);
  RestoreServices(state.services);
  // Release: as in Write().
  region_.MembershipEpoch().store(state.revision, std::memory_order_release);
}

void MemberTableMirror::RestoreEndpoint(const EndpointEntry& entry, const RegistryState& state) {
  switch (entry.life) {
    case EndpointLife::kLive:
      WriteLive(entry.info, state.slots[entry.info.slot].peer.incarnation, entry.changed_revision);
      break;
    case EndpointLife::kDying:
      WriteDead(entry.info, entry.changed_revision);
      break;
    case EndpointLife::kFree:
      WriteFree(entry.info.id);
      break;
  }
}

// SUBTLE: in one step. Raised one record after the other it would be lower than it was for a
// moment, in which whoever looks for a member or for a changed byte of its inbox misses those
// beyond it.
void MemberTableMirror::RestoreHighWater(const RegistryState& state) {
  uint32_t count = 0;
  for (const EndpointEntry& entry : state.endpoints) {
    count = std::max(count, entry.info.id.index + 1);
  }
  RaiseHighWater(count);
}

// Whatever stands in the region is taken to be wrong.
void MemberTableMirror::RestoreServices(const std::vector<ServiceSlot>& records) {
  std::vector<ServiceEntry> existing;
  for (const ServiceSlot& record : records) {
    written_services_[record.entry.index].incarnation = record.entry.incarnation;
    if (record.exists) existing.push_back(record.entry);
  }
  WriteServices(existing);
}

void MemberTableMirror::RaiseHighWater(uint32_t count) {
  if (count <= high_water_) return;
  high_water_ = count;
  region_.EndpointHighWater().store(high_water_, std::memory_order_release);
}

void MemberTableMirror::Write(const MembershipEvent& event) {
  const bool attached = event.kind == EventKind::kEndpointAttached;
  for (const EndpointInfo& endpoint : event.endpoints) {
    if (attached) {
      WriteLive(endpoint, event.peer.incarnation, event.revision);
    } else {
      WriteDead(endpoint, event.revision);
    }
  }
  const bool left = event.kind == EventKind::kPeerLeft;
  WriteSlot(event.peer, left ? SlotState::kVacant : StateOf(event.peer));
  // Release: whoever sees this epoch (acquire, Channel::Poll) sees the records as they are now.
  region_.MembershipEpoch().store(event.revision, std::memory_order_release);
}

void MemberTableMirror::WriteSlot(const PeerInfo& peer, SlotState state) {
  SlotRecord& record = region_.Slot(peer.slot);
  const std::array<uint64_t, 2> boot_id = BootIdWords(peer.boot_id);
  record.kind.store(static_cast<uint64_t>(KindOf(peer)), std::memory_order_relaxed);
  record.boot_id[0].store(boot_id[0], std::memory_order_relaxed);
  record.boot_id[1].store(boot_id[1], std::memory_order_relaxed);
  record.joined_unix_ns.store(static_cast<uint64_t>(peer.joined_unix_ns),
                              std::memory_order_relaxed);
  // Release: the rest of the record is there.
  record.identity.store(MakeIdentity(peer.incarnation, static_cast<uint32_t>(state)),
                        std::memory_order_release);
}

void MemberTableMirror::WriteLive(const EndpointInfo& endpoint, uint32_t slot_incarnation,
                                  uint64_t epoch) {
  EndpointRecord& record = region_.Endpoint(endpoint.id.index);
  record.location.store(
      MakeLocation(static_cast<uint16_t>(endpoint.slot), static_cast<uint16_t>(endpoint.vector),
                   static_cast<uint32_t>(endpoint.pid)),
      std::memory_order_relaxed);
  record.slot_incarnation.store(slot_incarnation, std::memory_order_relaxed);
  record.changed_epoch.store(epoch, std::memory_order_relaxed);
  std::array<uint64_t, kEndpointNameBytes / 8> name{};
  memcpy(name.data(), endpoint.name.data(), std::min(endpoint.name.size(), sizeof(name) - 1));
  for (size_t i = 0; i < name.size(); ++i) {
    record.name[i].store(name[i], std::memory_order_relaxed);
  }
  // Release: the rest of the record is there.
  record.identity.store(
      MakeIdentity(endpoint.id.incarnation, static_cast<uint32_t>(EndpointState::kLive)),
      std::memory_order_release);
  RaiseHighWater(endpoint.id.index + 1);
}

void MemberTableMirror::WriteDead(const EndpointInfo& endpoint, uint64_t epoch) {
  EndpointRecord& record = region_.Endpoint(endpoint.id.index);
  record.changed_epoch.store(epoch, std::memory_order_relaxed);
  // seq_cst, and so release: whoever sees it dead sees since when, and whoever does not has made
  // its link before the reaper looks for it (Channel::Open).
  record.identity.store(
      MakeIdentity(endpoint.id.incarnation, static_cast<uint32_t>(EndpointState::kDead)),
      std::memory_order_seq_cst);
}

void MemberTableMirror::WriteFree(EndpointId id) {
  region_.Endpoint(id.index).identity.store(
      MakeIdentity(id.incarnation, static_cast<uint32_t>(EndpointState::kFree)),
      std::memory_order_release);
}

void MemberTableMirror::WriteServices(const std::vector<ServiceEntry>& services) {
  std::array<ServiceEntry, kServiceCount> wanted;
  for (const ServiceEntry& service : services) wanted[service.index] = service;
  for (uint32_t i = 0; i < kServiceCount; ++i) {
    if (wanted[i] == written_services_[i]) continue;
    if (wanted[i].incarnation == 0) {
      WriteServiceFree(i);
    } else {
      WriteService(wanted[i]);
    }
  }
  written_services_ = wanted;
}

void MemberTableMirror::WriteService(const ServiceEntry& service) {
  ServiceRecord& record = region_.Service(service.index);
  std::array<uint64_t, kServiceNameBytes / 8> name{};
  memcpy(name.data(), service.name.data(), std::min(service.name.size(), sizeof(name) - 1));
  for (size_t i = 0; i < name.size(); ++i) {
    record.name[i].store(name[i], std::memory_order_relaxed);
  }
  record.writer.store(uint64_t{service.writer.index} << 32 | service.writer.incarnation,
                      std::memory_order_relaxed);
  // Release: the rest of the record is there.
  record.identity.store(
      MakeIdentity(service.incarnation, static_cast<uint32_t>(ServiceState::kExists)),
      std::memory_order_release);
}

void MemberTableMirror::WriteServiceFree(uint32_t index) {
  const uint32_t incarnation = written_services_[index].incarnation;
  region_.Service(index).identity.store(
      MakeIdentity(incarnation, static_cast<uint32_t>(ServiceState::kFree)),
      std::memory_order_release);
}

}  // namespace tombolo::control

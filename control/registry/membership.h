// The values in which membership is told: who holds which slot, with which endpoints, and what
// changed. Plain copies without references into the registry, so that they may cross threads.
//
// A follower that starts from a MembershipSnapshot and applies every later MembershipEvent in order
// holds what the registry holds: Apply() is that rule, for our own replicas and as the reference
// for clients in other languages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "transport/endpoint/endpoint_id.h"

namespace tombolo::control {

// Slot 0 belongs to the host and is never given to a VM.
inline constexpr uint32_t kHostSlot = 0;

// Names and boot ids come from other kernels: longer ones, and bytes that are not printable ASCII,
// are refused where they enter the registry.
inline constexpr size_t kMaxEndpointNameBytes = 31;
inline constexpr size_t kMaxBootIdBytes = 36;  // A UUID in text.

enum class PeerKind { kHost, kVm };

enum class PeerState {
  kConnected,  // Its device is plugged; no broker has said hello.
  kReady,      // Its broker has said hello.
};

struct EndpointInfo {
  EndpointId id;
  uint32_t slot = 0;
  uint32_t vector = 0;  // Wakes it; of its own slot.
  int32_t pid = 0;      // As its own kernel counts.
  std::string name;
  int64_t attached_unix_ns = 0;

  friend bool operator==(const EndpointInfo&, const EndpointInfo&) = default;
};

struct PeerInfo {
  uint32_t slot = 0;
  PeerKind kind = PeerKind::kVm;
  PeerState state = PeerState::kConnected;
  uint32_t incarnation = 0;  // Counts the occupations of the slot, from 1.
  std::string boot_id;       // Empty until ready.
  int64_t joined_unix_ns = 0;
  std::vector<EndpointInfo> endpoints;  // Live ones, by index.

  friend bool operator==(const PeerInfo&, const PeerInfo&) = default;
};

struct MembershipSnapshot {
  uint64_t revision = 0;        // Of the last event that it includes; 0: nothing ever happened.
  std::vector<PeerInfo> peers;  // Occupied slots, by slot.

  friend bool operator==(const MembershipSnapshot&, const MembershipSnapshot&) = default;
};

enum class EventKind {
  kPeerJoined,        // A device was plugged.
  kBrokerReady,       // Its broker said hello for the first time.
  kPeerRebooted,      // Hello with a new boot id: all earlier endpoints of the slot are dead.
  kPeerLeft,          // Its device is gone, and all its endpoints with it.
  kEndpointAttached,  // One endpoint more.
  kEndpointGone,      // One endpoint fewer.
};

struct MembershipEvent {
  uint64_t revision = 0;  // One more than that of the event before.
  EventKind kind = EventKind::kPeerJoined;
  PeerInfo peer;  // After the change (before it, for kPeerLeft), always without its endpoints.
  // The one that attached, or those that died with this event.
  std::vector<EndpointInfo> endpoints;

  friend bool operator==(const MembershipEvent&, const MembershipEvent&) = default;
};

// Advances `snapshot` by `event`. False, with nothing changed, unless the event is the very next.
bool Apply(const MembershipEvent& event, MembershipSnapshot& snapshot);

}  // namespace tombolo::control

// The member table: who is at which slot, and which processes are attached. The host daemon is its
// only writer; everybody else reads.
//
//   SlotRecord (64 bytes, one line)            EndpointRecord (64 bytes, one line)
//    0  identity: incarnation | state           0  identity: incarnation | state
//    8  kind                                    8  location: slot | vector | pid
//   16  boot_id, 16 bytes                      16  slot_incarnation
//   32  joined_unix_ns                         24  changed_epoch
//                                              32  name, 32 bytes, zero-padded
//
// The daemon stores `identity` last (release) when it fills a record, and first when it empties
// one. A reader loads `identity` (acquire), the rest, and `identity` again; if both are equal, it
// has a snapshot. Zeroed memory is a valid empty table.
#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/base/units.h"
#include "transport/layout/shared_word.h"

namespace tombolo {

enum class SlotState : uint32_t {
  kVacant = 0,
  kConnected = 1,  // The device is plugged; no broker has said hello.
  kReady = 2,      // Its broker has joined.
};

enum class SlotKind : uint32_t { kNone = 0, kHost = 1, kVm = 2 };

enum class EndpointState : uint32_t {
  kFree = 0,
  kLive = 1,
  // Proven dead; its memory waits until everybody who was linked to it has let go.
  kDead = 2,
};

// The word `identity` of both records.
constexpr uint64_t MakeIdentity(uint32_t incarnation, uint32_t state) {
  return uint64_t{incarnation} << 32 | state;
}
constexpr uint32_t IdentityIncarnation(uint64_t identity) {
  return static_cast<uint32_t>(identity >> 32);
}
constexpr uint32_t IdentityState(uint64_t identity) { return static_cast<uint32_t>(identity); }

// The word `location` of an EndpointRecord.
constexpr uint64_t MakeLocation(uint16_t slot, uint16_t vector, uint32_t pid) {
  return uint64_t{slot} << 48 | uint64_t{vector} << 32 | pid;
}
constexpr uint16_t LocationSlot(uint64_t location) { return static_cast<uint16_t>(location >> 48); }
constexpr uint16_t LocationVector(uint64_t location) {
  return static_cast<uint16_t>(location >> 32);
}
constexpr uint32_t LocationPid(uint64_t location) { return static_cast<uint32_t>(location); }

inline constexpr size_t kEndpointNameBytes = 32;

struct alignas(kCacheLineBytes) SlotRecord {
  SharedU64 identity;
  SharedU64 kind;
  SharedU64 boot_id[2];
  SharedU64 joined_unix_ns;
  uint64_t reserved[3];
};

struct alignas(kCacheLineBytes) EndpointRecord {
  SharedU64 identity;
  SharedU64 location;
  SharedU64 slot_incarnation;
  SharedU64 changed_epoch;  // The membership epoch of the last change.
  SharedU64 name[kEndpointNameBytes / 8];
};

static_assert(offsetof(SlotRecord, identity) == 0);
static_assert(offsetof(SlotRecord, kind) == 8);
static_assert(offsetof(SlotRecord, boot_id) == 16);
static_assert(offsetof(SlotRecord, joined_unix_ns) == 32);
static_assert(sizeof(SlotRecord) == 64);

static_assert(offsetof(EndpointRecord, identity) == 0);
static_assert(offsetof(EndpointRecord, location) == 8);
static_assert(offsetof(EndpointRecord, slot_incarnation) == 16);
static_assert(offsetof(EndpointRecord, changed_epoch) == 24);
static_assert(offsetof(EndpointRecord, name) == 32);
static_assert(sizeof(EndpointRecord) == 64);

}  // namespace tombolo

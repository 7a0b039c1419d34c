// Services: named owners of memory that outlives processes, as a cache is. A fixed array, one line
// per service, in the member table: the host daemon is its only writer.
//
//    0  identity   incarnation | state; stored last when a record is filled, as in member_table.h
//    8  writer     endpoint index | incarnation of the one that may write its memory; 0: nobody
//   16  name       32 bytes, zero-padded
//
// In the extent map a service stands as an owner of its own, kServiceOwnerBase and its index, so
// that what its writer leaves behind when it dies is not what the reaper frees.
#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/base/units.h"
#include "transport/layout/shared_word.h"

namespace tombolo {

inline constexpr uint32_t kServiceCount = 64;
inline constexpr uint16_t kServiceOwnerBase = 0x8000;
inline constexpr size_t kServiceNameBytes = 32;

enum class ServiceState : uint32_t { kFree = 0, kExists = 1 };

struct alignas(kCacheLineBytes) ServiceRecord {
  SharedU64 identity;
  SharedU64 writer;
  SharedU64 name[kServiceNameBytes / 8];
  uint64_t reserved[2];
};

static_assert(offsetof(ServiceRecord, identity) == 0);
static_assert(offsetof(ServiceRecord, writer) == 8);
static_assert(offsetof(ServiceRecord, name) == 16);
static_assert(sizeof(ServiceRecord) == 64);

// The owner of a service's extents in the extent map.
constexpr uint16_t ServiceOwner(uint32_t service) {
  return static_cast<uint16_t>(kServiceOwnerBase + service);
}
constexpr bool IsServiceOwner(uint16_t owner) { return owner >= kServiceOwnerBase; }

}  // namespace tombolo

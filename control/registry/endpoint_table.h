// EndpointTable: the fixed number of endpoint records, and which life of each is going on.
//
//   FREE --Take--> LIVE --Kill--> DYING --Recycle--> FREE (the next life has a new incarnation)
//
// An index stays DYING as long as anything in the region may still name its dead owner, so that no
// newcomer inherits memory, links or doorbells. It does not know when that is over: the caller of
// Recycle does. Not thread-safe.
//
// All() and the second constructor carry the table over the death of the daemon.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/registry/membership.h"

namespace tombolo::control {

enum class EndpointLife : uint8_t { kFree, kLive, kDying };

// One record of the table. A free one is that of the last endpoint that had its index.
struct EndpointEntry {
  EndpointLife life = EndpointLife::kFree;
  uint64_t changed_revision = 0;  // When it attached or died.
  EndpointInfo info;              // info.id.incarnation outlives the endpoint: the next counts on.

  friend bool operator==(const EndpointEntry&, const EndpointEntry&) = default;
};

class EndpointTable {
 public:
  explicit EndpointTable(uint32_t capacity) : records_(capacity) {}

  // As it was when All() gave `entries`, whose indices must be below `capacity`.
  EndpointTable(uint32_t capacity, const std::vector<EndpointEntry>& entries);

  // Gives `endpoint` the lowest free index (its `id` is filled in) and remembers it, as changed at
  // `revision`. ResourceExhausted when no record is free.
  absl::StatusOr<EndpointId> Take(EndpointInfo endpoint, uint64_t revision);

  // LIVE to DYING at `revision`. False when it is DYING already; NotFound when `id` names neither.
  absl::StatusOr<bool> Kill(EndpointId id, uint64_t revision);

  // DYING to FREE. FailedPrecondition while it is LIVE, NotFound when `id` names neither.
  absl::Status Recycle(EndpointId id);

  // The live endpoint `id`, or null. Valid until the next change of the table.
  const EndpointInfo* FindLive(EndpointId id) const;

  // Live ones of `slot`, by index.
  std::vector<EndpointInfo> LiveOf(uint32_t slot) const;

  // Dead ones whose index waits for Recycle, by index.
  std::vector<EndpointInfo> Dying() const;

  // Every index that was ever taken, by index.
  std::vector<EndpointEntry> All() const;

  uint32_t Capacity() const { return static_cast<uint32_t>(records_.size()); }

 private:
  EndpointEntry* Find(EndpointId id);
  uint32_t Count(EndpointLife life) const;
  std::vector<EndpointInfo> Select(const std::function<bool(const EndpointEntry&)>& wanted) const;

  std::vector<EndpointEntry> records_;
};

}  // namespace tombolo::control

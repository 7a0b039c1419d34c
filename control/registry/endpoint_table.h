// EndpointTable: the fixed number of endpoint records, and which life of each is going on.
//
//   FREE --Take--> LIVE --Kill--> DYING --Recycle--> FREE (the next life has a new incarnation)
//
// An index stays DYING as long as anything in the region may still name its dead owner, so that no
// newcomer inherits memory, links or doorbells. It does not know when that is over: the caller of
// Recycle does. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/registry/membership.h"

namespace tombolo::control {

class EndpointTable {
 public:
  explicit EndpointTable(uint32_t capacity) : records_(capacity) {}

  // Gives `endpoint` the lowest free index (its `id` is filled in) and remembers it.
  // ResourceExhausted when no record is free.
  absl::StatusOr<EndpointId> Take(EndpointInfo endpoint);

  // LIVE to DYING. False when it is DYING already; NotFound when `id` names neither.
  absl::StatusOr<bool> Kill(EndpointId id);

  // DYING to FREE. FailedPrecondition while it is LIVE, NotFound when `id` names neither.
  absl::Status Recycle(EndpointId id);

  // The live endpoint `id`, or null. Valid until the next change of the table.
  const EndpointInfo* FindLive(EndpointId id) const;

  // Live ones of `slot`, by index.
  std::vector<EndpointInfo> LiveOf(uint32_t slot) const;

  // Dead ones whose index waits for Recycle, by index.
  std::vector<EndpointInfo> Dying() const;

  uint32_t Capacity() const { return static_cast<uint32_t>(records_.size()); }

 private:
  enum class State { kFree, kLive, kDying };
  struct Record {
    State state = State::kFree;
    EndpointInfo info;  // info.id.incarnation outlives the endpoint: the next life counts on.
  };

  Record* Find(EndpointId id);
  uint32_t Count(State state) const;
  std::vector<EndpointInfo> Select(const std::function<bool(const Record&)>& wanted) const;

  std::vector<Record> records_;
};

}  // namespace tombolo::control

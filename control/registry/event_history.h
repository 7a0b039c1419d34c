// EventHistory: the latest membership events, as many as fit, so that a follower who was away for a
// while goes on where it stopped. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "absl/status/statusor.h"
#include "control/registry/membership.h"

namespace tombolo::control {

class EventHistory {
 public:
  // capacity: events kept. first_revision: the one before the first event that will be added.
  explicit EventHistory(size_t capacity, uint64_t first_revision = 0)
      : capacity_(capacity), revision_(first_revision) {}

  // Adds the next event and forgets the oldest when there are too many.
  void Add(MembershipEvent event);

  // All events later than `revision`, oldest first; none when it is the latest. OutOfRange when
  // some of them are forgotten, or when `revision` lies in the future (it is of another region or
  // of another life of the daemon): start from a snapshot then.
  absl::StatusOr<std::vector<MembershipEvent>> Since(uint64_t revision) const;

  // The one event that follows `revision`, or null when that is the latest; valid until the next
  // Add(). OutOfRange as above.
  absl::StatusOr<const MembershipEvent*> Next(uint64_t revision) const;

  // Of the latest event.
  uint64_t Revision() const { return revision_; }

 private:
  // How many kept events are not later than `revision`.
  absl::StatusOr<size_t> Skipped(uint64_t revision) const;

  const size_t capacity_;
  uint64_t revision_;
  std::deque<MembershipEvent> events_;  // Consecutive revisions that end with revision_.
};

}  // namespace tombolo::control

// EventHistory: the latest events of one kind, as many as fit, so that a follower who was away for
// a while goes on where it stopped. Not thread-safe.
//
// `Event` has a `uint64_t revision`, and is what is told of one change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace tombolo::control {

template <typename Event>
class EventHistory {
 public:
  // capacity: events kept. first_revision: the one before the first event that will be added.
  explicit EventHistory(size_t capacity, uint64_t first_revision = 0)
      : capacity_(capacity), revision_(first_revision) {}

  // Adds the next event and forgets the oldest when there are too many.
  void Add(Event event) {
    revision_ = event.revision;
    events_.push_back(std::move(event));
    if (events_.size() > capacity_) events_.pop_front();
  }

  // All events later than `revision`, oldest first; none when it is the latest. OutOfRange when
  // some of them are forgotten, or when `revision` lies in the future (it is of another region or
  // of another life of the daemon): start from a snapshot then.
  absl::StatusOr<std::vector<Event>> Since(uint64_t revision) const {
    const absl::StatusOr<size_t> skipped = Skipped(revision);
    if (!skipped.ok()) return skipped.status();
    const auto first = std::next(events_.begin(), static_cast<std::ptrdiff_t>(*skipped));
    return std::vector<Event>(first, events_.end());
  }

  // The one event that follows `revision`, or null when that is the latest; valid until the next
  // Add(). OutOfRange as above.
  absl::StatusOr<const Event*> Next(uint64_t revision) const {
    const absl::StatusOr<size_t> skipped = Skipped(revision);
    if (!skipped.ok()) return skipped.status();
    return *skipped < events_.size() ? &events_[*skipped] : nullptr;
  }

  // Of the latest event.
  uint64_t Revision() const { return revision_; }

 private:
  // How many kept events are not later than `revision`.
  absl::StatusOr<size_t> Skipped(uint64_t revision) const {
    const uint64_t oldest = revision_ - events_.size();
    if (revision >= oldest && revision <= revision_) return revision - oldest;
    return absl::OutOfRangeError(absl::StrCat("cannot resume after revision ", revision,
                                              ": the kept history resumes after ", oldest, " to ",
                                              revision_, ". Ask again with 0 for a snapshot."));
  }

  const size_t capacity_;
  uint64_t revision_;
  std::deque<Event> events_;  // Consecutive revisions that end with revision_.
};

}  // namespace tombolo::control

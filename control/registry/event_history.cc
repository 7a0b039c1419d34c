#include "control/registry/event_history.h"

#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tombolo::control {

void EventHistory::Add(MembershipEvent event) {
  revision_ = event.revision;
  events_.push_back(std::move(event));
  if (events_.size() > capacity_) events_.pop_front();
}

absl::StatusOr<std::vector<MembershipEvent>> EventHistory::Since(uint64_t revision) const {
  const absl::StatusOr<size_t> skipped = Skipped(revision);
  if (!skipped.ok()) return skipped.status();
  const auto first = std::next(events_.begin(), static_cast<std::ptrdiff_t>(*skipped));
  return std::vector<MembershipEvent>(first, events_.end());
}

absl::StatusOr<const MembershipEvent*> EventHistory::Next(uint64_t revision) const {
  const absl::StatusOr<size_t> skipped = Skipped(revision);
  if (!skipped.ok()) return skipped.status();
  return *skipped < events_.size() ? &events_[*skipped] : nullptr;
}

absl::StatusOr<size_t> EventHistory::Skipped(uint64_t revision) const {
  const uint64_t oldest = revision_ - events_.size();
  if (revision < oldest || revision > revision_) {
    return absl::OutOfRangeError(absl::StrCat("cannot resume after revision ", revision,
                                              ": the kept history resumes after ", oldest, " to ",
                                              revision_, ". Ask again with 0 for a snapshot."));
  }
  return revision - oldest;
}

}  // namespace tombolo::control

#include "control/registry/endpoint_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "control/registry/next_incarnation.h"

namespace tombolo::control {
namespace {

absl::Status NoSuchEndpoint(EndpointId id) {
  return absl::NotFoundError(absl::StrCat("there is no endpoint ", id.index, " of incarnation ",
                                          id.incarnation, ": it was recycled or never attached."));
}

}  // namespace

absl::StatusOr<EndpointId> EndpointTable::Take(EndpointInfo endpoint) {
  const auto free = std::find_if(records_.begin(), records_.end(),
                                 [](const Record& r) { return r.state == State::kFree; });
  if (free == records_.end()) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "all ", Capacity(), " endpoint records are taken: ", Count(State::kLive), " are live, ",
        Count(State::kDying), " wait for the memory of a dead endpoint to be reclaimed. ",
        "End some processes, or start tombolod with a larger --endpoints."));
  }
  endpoint.id.index = static_cast<uint32_t>(free - records_.begin());
  endpoint.id.incarnation = NextIncarnation(free->info.id.incarnation);
  free->state = State::kLive;
  free->info = std::move(endpoint);
  return free->info.id;
}

absl::StatusOr<bool> EndpointTable::Kill(EndpointId id) {
  Record* record = Find(id);
  if (record == nullptr) return NoSuchEndpoint(id);
  return std::exchange(record->state, State::kDying) == State::kLive;
}

absl::Status EndpointTable::Recycle(EndpointId id) {
  Record* record = Find(id);
  if (record == nullptr) return NoSuchEndpoint(id);
  if (record->state == State::kLive) {
    return absl::FailedPreconditionError(absl::StrCat("endpoint ", id.index, " of incarnation ",
                                                      id.incarnation,
                                                      " is live; only a dead one is recycled."));
  }
  record->state = State::kFree;
  return absl::OkStatus();
}

const EndpointInfo* EndpointTable::FindLive(EndpointId id) const {
  if (id.index >= records_.size()) return nullptr;
  const Record& record = records_[id.index];
  return record.state == State::kLive && record.info.id == id ? &record.info : nullptr;
}

std::vector<EndpointInfo> EndpointTable::LiveOf(uint32_t slot) const {
  return Select([slot](const Record& r) { return r.state == State::kLive && r.info.slot == slot; });
}

std::vector<EndpointInfo> EndpointTable::Dying() const {
  return Select([](const Record& r) { return r.state == State::kDying; });
}

EndpointTable::Record* EndpointTable::Find(EndpointId id) {
  if (id.index >= records_.size()) return nullptr;
  Record& record = records_[id.index];
  return record.state != State::kFree && record.info.id == id ? &record : nullptr;
}

uint32_t EndpointTable::Count(State state) const {
  return static_cast<uint32_t>(std::count_if(records_.begin(), records_.end(),
                                             [state](auto& r) { return r.state == state; }));
}

std::vector<EndpointInfo> EndpointTable::Select(
    const std::function<bool(const Record&)>& wanted) const {
  std::vector<EndpointInfo> selected;
  for (const Record& record : records_) {
    if (wanted(record)) selected.push_back(record.info);
  }
  return selected;
}

}  // namespace tombolo::control

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

EndpointTable::EndpointTable(uint32_t capacity, const std::vector<EndpointEntry>& entries)
    : records_(capacity) {
  for (const EndpointEntry& entry : entries) records_[entry.info.id.index] = entry;
}

absl::StatusOr<EndpointId> EndpointTable::Take(EndpointInfo endpoint, uint64_t revision) {
  const auto free = std::ranges::find(records_, EndpointLife::kFree, &EndpointEntry::life);
  if (free == records_.end()) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "all ", Capacity(), " endpoint records are taken: ", Count(EndpointLife::kLive),
        " are live, ", Count(EndpointLife::kDying),
        " wait for the memory of a dead endpoint to be reclaimed. ",
        "End some processes, or start tombolod with a larger --endpoints."));
  }
  endpoint.id.index = static_cast<uint32_t>(free - records_.begin());
  endpoint.id.incarnation = NextIncarnation(free->info.id.incarnation);
  free->life = EndpointLife::kLive;
  free->changed_revision = revision;
  free->info = std::move(endpoint);
  return free->info.id;
}

absl::StatusOr<bool> EndpointTable::Kill(EndpointId id, uint64_t revision) {
  EndpointEntry* record = Find(id);
  if (record == nullptr) return NoSuchEndpoint(id);
  if (record->life == EndpointLife::kDying) return false;
  record->life = EndpointLife::kDying;
  record->changed_revision = revision;
  return true;
}

absl::Status EndpointTable::Recycle(EndpointId id) {
  EndpointEntry* record = Find(id);
  if (record == nullptr) return NoSuchEndpoint(id);
  if (record->life == EndpointLife::kLive) {
    return absl::FailedPreconditionError(absl::StrCat("endpoint ", id.index, " of incarnation ",
                                                      id.incarnation,
                                                      " is live; only a dead one is recycled."));
  }
  record->life = EndpointLife::kFree;
  return absl::OkStatus();
}

const EndpointInfo* EndpointTable::FindLive(EndpointId id) const {
  if (id.index >= records_.size()) return nullptr;
  const EndpointEntry& record = records_[id.index];
  return record.life == EndpointLife::kLive && record.info.id == id ? &record.info : nullptr;
}

std::vector<EndpointInfo> EndpointTable::LiveOf(uint32_t slot) const {
  return Select([slot](const EndpointEntry& entry) {
    return entry.life == EndpointLife::kLive && entry.info.slot == slot;
  });
}

std::vector<EndpointInfo> EndpointTable::Dying() const {
  return Select([](const EndpointEntry& entry) { return entry.life == EndpointLife::kDying; });
}

std::vector<EndpointEntry> EndpointTable::All() const {
  std::vector<EndpointEntry> all;
  for (const EndpointEntry& record : records_) {
    if (record.info.id.incarnation != 0) all.push_back(record);
  }
  return all;
}

EndpointEntry* EndpointTable::Find(EndpointId id) {
  if (id.index >= records_.size()) return nullptr;
  EndpointEntry& record = records_[id.index];
  return record.life != EndpointLife::kFree && record.info.id == id ? &record : nullptr;
}

uint32_t EndpointTable::Count(EndpointLife life) const {
  return static_cast<uint32_t>(std::ranges::count(records_, life, &EndpointEntry::life));
}

std::vector<EndpointInfo> EndpointTable::Select(
    const std::function<bool(const EndpointEntry&)>& wanted) const {
  std::vector<EndpointInfo> selected;
  for (const EndpointEntry& record : records_) {
    if (wanted(record)) selected.push_back(record.info);
  }
  return selected;
}

}  // namespace tombolo::control

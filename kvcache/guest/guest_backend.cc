#include "kvcache/guest/guest_backend.h"

#include "kvcache/layout/item.h"

namespace tombolo::kvcache {

bool GuestBackend::Get(std::string_view key, StoredValue& value, GetUse use) {
  return Look({.key = key, .use = use}, value);
}

bool GuestBackend::Describe(std::string_view key, StoredValue& value, GetUse use) {
  return Look({.key = key, .wants_value = false, .use = use}, value);
}

bool GuestBackend::Look(const VisitRequest& request, StoredValue& value) {
  const uint64_t asked = client_.Counters().asked;
  const absl::StatusOr<bool> is_hit = request.wants_value
                                          ? client_.Get(request.key, value, request.use)
                                          : client_.Describe(request.key, value, request.use);
  const bool was_asked = client_.Counters().asked != asked;
  if (was_asked || !is_hit.ok()) Note(is_hit.status());
  if (!is_hit.ok() || !*is_hit) return false;
  if (was_asked) return true;
  if (request.use == GetUse::kCounts && (value.marks & kMarkFetched) == 0) {
    return IsMarked(request, value);
  }
  ++lock_free_hits_;
  return true;
}

// Has the owner mark what was seen in the window. False: it is not there any more.
bool GuestBackend::IsMarked(const VisitRequest& request, StoredValue& value) {
  VisitRequest first_use = request;
  first_use.wants_value = false;
  StoredValue seen;
  const StoreAnswer answer = Visit(first_use, seen);
  if (answer.result != StoreResult::kDone || answer.cas == value.cas) {
    return answer.result == StoreResult::kDone;
  }
  // Somebody else has changed it meanwhile: what counts is what there is now.
  return Visit(request, value).result == StoreResult::kDone;
}

StoreAnswer GuestBackend::Put(const PutRequest& request) { return Take(client_.Put(request)); }

StoreAnswer GuestBackend::Count(const CountRequest& request) {
  return Take(client_.Count(request));
}

StoreAnswer GuestBackend::Remove(const RemoveRequest& request) {
  return Take(client_.Remove(request));
}

StoreAnswer GuestBackend::Visit(const VisitRequest& request, StoredValue& seen) {
  return Take(client_.Visit(request, seen));
}

bool GuestBackend::FlushAll(int64_t when) {
  const absl::Status status = client_.FlushAll(when);
  if (absl::IsPermissionDenied(status)) return false;
  Note(status);
  return status.ok();
}

bool GuestBackend::Fits(uint64_t key_bytes, uint64_t value_bytes) {
  return value_bytes <= UINT32_MAX && ItemBytes(key_bytes, value_bytes) <= client_.ItemMaxBytes();
}

BackendFacts GuestBackend::Facts() {
  const absl::StatusOr<OwnerFacts> facts = client_.Facts();
  Note(facts.status());
  if (!facts.ok()) return {};
  return {.items = facts->items,
          .bytes = facts->bytes,
          .limit_bytes = facts->limit_bytes,
          .segment_bytes = facts->segment_bytes,
          .item_max_bytes = facts->item_max_bytes,
          .evicted_items = facts->evicted_items,
          .expired_items = facts->expired_items,
          .flushed_items = facts->flushed_items};
}

StoreAnswer GuestBackend::Take(const absl::StatusOr<StoreAnswer>& answer) {
  Note(answer.status());
  return answer.ok() ? *answer : StoreAnswer();
}

// What came of asking the owner.
void GuestBackend::Note(const absl::Status& status) {
  if (!status.ok()) has_failed_ = true;
  TellOf(status.ok() ? GuestEvent::kAnswered : GuestEvent::kLost, status);
  const bool is_foreign = client_.IsWindowForeign();
  if (is_foreign == is_foreign_) return;
  is_foreign_ = is_foreign;
  TellOf(is_foreign ? GuestEvent::kWindowForeign : GuestEvent::kWindowGood, absl::OkStatus());
}

void GuestBackend::TellOf(GuestEvent event, const absl::Status& status) const {
  if (tell_) tell_(event, status);
}

}  // namespace tombolo::kvcache

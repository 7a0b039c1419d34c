#include "kvcache/guest/guest_backend.h"

#include "kvcache/layout/item.h"

namespace tombolo::kvcache {

bool GuestBackend::Get(std::string_view key, StoredValue& value, GetUse use) {
  return Conclude(client_.Get(key, value, use), {.key = key, .use = use}, value);
}

bool GuestBackend::Describe(std::string_view key, StoredValue& value, GetUse use) {
  return Conclude(client_.Describe(key, value, use), {.key = key, .wants_value = false, .use = use},
                  value);
}

// What `request` would have seen, if it was seen in the window.
bool GuestBackend::Conclude(const absl::StatusOr<bool>& is_hit, const VisitRequest& request,
                            StoredValue& value) {
  if (!is_hit.ok()) Note(is_hit.status());
  if (!is_hit.ok() || !*is_hit) return false;
  const bool is_known = request.use == GetUse::kPeeks || (value.marks & kMarkFetched) != 0;
  if (is_known) {
    ++lock_free_hits_;
    return true;
  }
  VisitRequest first_use = request;
  first_use.wants_value = false;
  StoredValue seen;
  const StoreAnswer answer = Visit(first_use, seen);
  if (answer.result == StoreResult::kDone && answer.cas == value.cas) return true;
  // Somebody else has changed it meanwhile: what counts is what there is now.
  return answer.result == StoreResult::kDone && Visit(request, value).result == StoreResult::kDone;
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
  if (is_lost_ == !status.ok()) return;
  is_lost_ = !status.ok();
  if (tell_) tell_(status);
}

}  // namespace tombolo::kvcache

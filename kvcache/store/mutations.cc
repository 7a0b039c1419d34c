#include "kvcache/layout/item.h"
#include "kvcache/store/expiry.h"
#include "kvcache/store/numbers.h"
#include "kvcache/store/store.h"

namespace tombolo::kvcache {
namespace {

bool IsGoodKey(std::string_view key) { return !key.empty() && key.size() <= kMaxKeyBytes; }

uint64_t Step(uint64_t number, const CountRequest& request) {
  if (!request.is_down) return number + request.delta;
  return number < request.delta ? 0 : number - request.delta;
}

bool IsWon(const VisitRequest& request, const StoredValue& item, uint32_t now_s) {
  if ((item.marks & kMarkWon) != 0) return false;
  if (request.wins_stale && (item.marks & kMarkStale) != 0) return true;
  if (!request.wins_before) return false;
  const bool is_new = request.compares_new && request.exptime;
  const uint32_t expiry_s = is_new ? ExpiryOf(*request.exptime, now_s) : item.expiry_s;
  return expiry_s != 0 && expiry_s < ExpiryOf(*request.wins_before, now_s);
}

}  // namespace

StoreAnswer Store::Put(const PutRequest& request) {
  Begin();
  const KeyHash hash = HashOf(request.key);
  const Draft draft{.key = request.key,
                    .hash = hash,
                    .head = request.value,
                    .flags = request.flags,
                    .expiry_s = ExpiryOf(request.exptime, now_s_),
                    .marks = request.marks};
  if (request.mode == PutMode::kSet) return WriteOrClear(draft);
  const std::optional<Entry> before = FindVisible(request.key, hash);
  switch (request.mode) {
    case PutMode::kAdd:
      if (!before) return Write(draft);
      index_.Touch(before->slot);
      return {.result = StoreResult::kNotStored};
    case PutMode::kReplace:
      return before ? Write(draft) : StoreAnswer{.result = StoreResult::kNotStored};
    case PutMode::kCas:
      return WriteCas(request, draft, before);
    default:
      return Join(request, draft, before);
  }
}

// As memcached does: when it fails nobody may go on reading what was to be replaced.
StoreAnswer Store::WriteOrClear(const Draft& draft) {
  const StoreAnswer answer = Write(draft);
  if (answer.result == StoreResult::kTooLarge || answer.result == StoreResult::kNoMemory) {
    if (const auto before = index_.Find(draft.key, draft.hash)) index_.Clear(before->slot);
  }
  return answer;
}

StoreAnswer Store::WriteCas(const PutRequest& request, Draft draft,
                            const std::optional<Entry>& before) {
  if (!before) return {.result = StoreResult::kNotFound};
  const ItemHeader& header = before->header;
  if (header.cas != request.cas) {
    if (!request.takes_older || request.cas == 0 || request.cas > header.cas) {
      return {.result = StoreResult::kExists};
    }
    draft.expiry_s = header.life.expiry_s;
    draft.marks = static_cast<uint16_t>(draft.marks | kMarkStale | (header.sizes.marks & kMarkWon));
  }
  return Write(draft);
}

StoreAnswer Store::Join(const PutRequest& request, Draft draft,
                        const std::optional<Entry>& before) {
  if (!before) return {.result = StoreResult::kNotStored};
  if (request.cas != 0 && request.cas != before->header.cas) {
    return {.result = StoreResult::kExists};
  }
  LoadValue(*before, scratch_);
  const bool is_append = request.mode == PutMode::kAppend;
  draft.head = is_append ? std::string_view(scratch_) : request.value;
  draft.tail = is_append ? request.value : std::string_view(scratch_);
  draft.flags = before->header.life.flags;
  draft.expiry_s = before->header.life.expiry_s;
  draft.marks = 0;
  return Write(draft);
}

StoreAnswer Store::Count(const CountRequest& request) {
  Begin();
  const KeyHash hash = HashOf(request.key);
  const auto before = FindVisible(request.key, hash);
  if (!before && request.initial) return MakeNumber(request, hash);
  if (!before) return {.result = StoreResult::kNotFound};
  const uint32_t bytes = before->header.sizes.value_bytes;
  if (bytes == 0) return {.result = StoreResult::kNotANumber};
  if (request.cas != 0 && request.cas != before->header.cas) {
    return {.result = StoreResult::kExists};
  }
  if (bytes > kMaxNumberBytes) return {.result = StoreResult::kNotANumber};
  LoadValue(*before, scratch_);
  const std::optional<uint64_t> number = UnsignedIn(scratch_);
  if (!number) return {.result = StoreResult::kNotANumber};
  return WriteNumber(request, *before, Step(*number, request));
}

// In the place of what scratch_ holds.
StoreAnswer Store::WriteNumber(const CountRequest& request, const Entry& before, uint64_t next) {
  const ItemHeader header = before.header;
  std::string text = std::to_string(next);
  const bool is_longer = text.size() > scratch_.size();
  if (!is_longer) text.resize(scratch_.size(), ' ');
  StoreAnswer answer = Write(
      {.key = request.key,
       .hash = HashOf(request.key),
       .head = text,
       .flags = header.life.flags,
       .expiry_s = request.exptime ? ExpiryOf(*request.exptime, now_s_) : header.life.expiry_s,
       .marks = is_longer ? uint16_t{0} : header.sizes.marks});
  answer.number = next;
  answer.expiry_s = header.life.expiry_s;
  return answer;
}

StoreAnswer Store::MakeNumber(const CountRequest& request, const KeyHash& hash) {
  const std::string text = std::to_string(*request.initial);
  StoreAnswer answer = Write({.key = request.key,
                              .hash = hash,
                              .head = text,
                              .expiry_s = ExpiryOf(request.initial_exptime, now_s_)});
  answer.number = *request.initial;
  answer.is_new = answer.result == StoreResult::kStored;
  return answer;
}

StoreAnswer Store::Remove(const RemoveRequest& request) {
  Begin();
  const KeyHash hash = HashOf(request.key);
  const auto before = FindVisible(request.key, hash);
  if (!before) return {.result = StoreResult::kNotFound};
  if (request.cas && *request.cas != before->header.cas) return {.result = StoreResult::kExists};
  if (request.leaves_stale) return WriteStale(request, hash, *before);
  index_.Clear(before->slot);
  return {.result = StoreResult::kDone};
}

// A new item, so that its new CAS number and its marks are there at once. An item for which there
// is no room is removed after all.
StoreAnswer Store::WriteStale(const RemoveRequest& request, const KeyHash& hash,
                              const Entry& before) {
  const ItemHeader header = before.header;
  LoadValue(before, scratch_);
  const unsigned kept = header.sizes.marks & ~unsigned{kMarkWon};
  const StoreAnswer answer = WriteOrClear(
      {.key = request.key,
       .hash = hash,
       .head = scratch_,
       .flags = header.life.flags,
       .expiry_s = request.exptime ? ExpiryOf(*request.exptime, now_s_) : header.life.expiry_s,
       .marks = static_cast<uint16_t>(kept | kMarkStale)});
  return {.result = StoreResult::kDone, .cas = answer.cas};
}

StoreAnswer Store::Visit(const VisitRequest& request, StoredValue& seen) {
  seen.value.clear();
  const std::optional<Entry> entry = FindFor(request.key, seen, GetUse::kPeeks);
  if (!entry && request.makes) return MakeWon(request, seen);
  if (!entry) return {.result = StoreResult::kNotFound};
  if (request.wants_value) LoadValue(*entry, seen.value);
  const bool is_won = IsWon(request, seen, now_s_);
  if (request.exptime) StoreExpiry(*entry, ExpiryOf(*request.exptime, now_s_));
  const bool counts = request.use == GetUse::kCounts;
  if (counts) index_.Touch(entry->slot);
  StoreMarks(*entry, static_cast<uint16_t>((counts ? kMarkFetched : 0) | (is_won ? kMarkWon : 0)));
  return {.result = StoreResult::kDone, .cas = seen.cas, .is_won = is_won};
}

StoreAnswer Store::MakeWon(const VisitRequest& request, StoredValue& seen) {
  StoreAnswer answer = Write({.key = request.key,
                              .hash = HashOf(request.key),
                              .head = {},
                              .expiry_s = ExpiryOf(*request.makes, now_s_),
                              .marks = static_cast<uint16_t>(request.new_marks | kMarkWon)});
  answer.is_new = answer.is_won = answer.result == StoreResult::kStored;
  seen = {.cas = answer.cas};
  return answer;
}

void Store::StoreExpiry(const Entry& entry, uint32_t expiry_s) {
  log_.Extended(entry.place.segment, expiry_s);
  // SAFETY: Find() checked place and size. Release, as all words of items: LoadItemHeader().
  reinterpret_cast<Item*>(shard_.At(entry.place))
      ->life.store(Pack(ItemLife{.flags = entry.header.life.flags, .expiry_s = expiry_s}),
                   std::memory_order_release);
}

void Store::CountHit(const Entry& entry) {
  index_.Touch(entry.slot);
  StoreMarks(entry, kMarkFetched);
}

// Adds marks to an item in place; nothing is stored when it has them.
void Store::StoreMarks(const Entry& entry, uint16_t marks) {
  ItemSizes sizes = entry.header.sizes;
  if ((sizes.marks & marks) == marks) return;
  sizes.marks = static_cast<uint16_t>(sizes.marks | marks);
  // SAFETY: as in StoreExpiry(). Release, as all words of items.
  reinterpret_cast<Item*>(shard_.At(entry.place))
      ->sizes.store(Pack(sizes), std::memory_order_release);
}

StoreAnswer Store::Set(std::string_view key, std::string_view value, uint32_t flags,
                       int64_t exptime) {
  return Put({.key = key, .value = value, .flags = flags, .exptime = exptime});
}

StoreAnswer Store::Add(std::string_view key, std::string_view value, uint32_t flags,
                       int64_t exptime) {
  return Put(
      {.mode = PutMode::kAdd, .key = key, .value = value, .flags = flags, .exptime = exptime});
}

StoreAnswer Store::Replace(std::string_view key, std::string_view value, uint32_t flags,
                           int64_t exptime) {
  return Put(
      {.mode = PutMode::kReplace, .key = key, .value = value, .flags = flags, .exptime = exptime});
}

StoreAnswer Store::Cas(std::string_view key, std::string_view value, uint32_t flags,
                       int64_t exptime, uint64_t cas) {
  return Put({.mode = PutMode::kCas,
              .key = key,
              .value = value,
              .flags = flags,
              .exptime = exptime,
              .cas = cas});
}

StoreAnswer Store::Append(std::string_view key, std::string_view tail) {
  return Put({.mode = PutMode::kAppend, .key = key, .value = tail});
}

StoreAnswer Store::Prepend(std::string_view key, std::string_view head) {
  return Put({.mode = PutMode::kPrepend, .key = key, .value = head});
}

StoreAnswer Store::Incr(std::string_view key, uint64_t delta) {
  return Count({.key = key, .delta = delta});
}

StoreAnswer Store::Decr(std::string_view key, uint64_t delta) {
  return Count({.key = key, .is_down = true, .delta = delta});
}

StoreAnswer Store::Delete(std::string_view key) { return Remove({.key = key}); }

StoreAnswer Store::Touch(std::string_view key, int64_t exptime) {
  StoredValue seen;
  return Visit({.key = key, .wants_value = false, .use = GetUse::kCounts, .exptime = exptime},
               seen);
}

bool Store::Fits(uint64_t key_bytes, uint64_t value_bytes) const {
  return value_bytes <= UINT32_MAX &&
         ItemBytes(key_bytes, value_bytes) <= shard_.Shape().item_max_bytes;
}

StoreAnswer Store::Write(const Draft& draft) {
  if (!IsGoodKey(draft.key)) return {.result = StoreResult::kBadKey};
  const uint64_t value_bytes = draft.head.size() + draft.tail.size();
  const uint64_t item_bytes = ItemBytes(draft.key.size(), value_bytes);
  if (!Fits(draft.key.size(), value_bytes)) return {.result = StoreResult::kTooLarge};
  index_.FetchToFill(draft.hash);
  const std::optional<Entry> before = index_.Find(draft.key, draft.hash);
  const Queue queue = QueueFor(draft, before);
  const std::optional<Place> place = MakeRoom(queue, item_bytes);
  if (!place) return {.result = StoreResult::kNoMemory};
  const ItemHeader header{
      .sizes = {.value_bytes = static_cast<uint32_t>(value_bytes),
                .key_bytes = static_cast<uint8_t>(draft.key.size()),
                .marks = draft.marks},
      .life = {.flags = draft.flags, .expiry_s = draft.expiry_s},
      .cas = NextCas(),
  };
  ItemWriter writer(shard_.At(*place), header);
  for (const std::string_view part : {draft.key, draft.head, draft.tail}) writer.Append(part);
  writer.Finish();
  log_.Commit(queue, item_bytes);
  if (!Publish(draft, before, *place)) return {.result = StoreResult::kNoMemory};
  return {.result = StoreResult::kStored, .cas = header.cas};
}

// What is rewritten stays in its queue. Where nothing is evicted there is one queue, in which new
// items fill up what survivors have left.
Queue Store::QueueFor(const Draft& draft, const std::optional<Entry>& before) {
  if (never_evicts_) return Queue::kMain;
  if (before) return log_.QueueOf(before->place.segment);
  if (!ghost_.Take(draft.hash)) return Queue::kSmall;
  ++counters_.promoted_items;
  return Queue::kMain;
}

// SUBTLE: a key that has a slot keeps it for its new item, so that readers, who look at one slot
// after the other, never miss it. Since `before` was found, making room may have rewritten its
// item, which leaves it the slot, or evicted it: then the slot is empty.
// False: there is no slot for it, so that what was written is lost.
bool Store::Publish(const Draft& draft, const std::optional<Entry>& before, const Place& place) {
  if (before) {
    index_.Fill(before->slot, draft.hash, place, draft.expiry_s);
    return true;
  }
  const std::optional<uint64_t> slot = SlotForNew(draft.hash);
  if (!slot) return false;
  index_.SetFrequency(*slot, 0);
  index_.Fill(*slot, draft.hash, place, draft.expiry_s);
  return true;
}

}  // namespace tombolo::kvcache

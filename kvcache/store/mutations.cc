#include <charconv>

#include "kvcache/layout/item.h"
#include "kvcache/store/expiry.h"
#include "kvcache/store/store.h"

namespace tombolo::kvcache {
namespace {

bool IsGoodKey(std::string_view key) { return !key.empty() && key.size() <= kMaxKeyBytes; }

bool IsBlank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// The number that a value begins with, which ends there or at a blank.
std::optional<uint64_t> NumberIn(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || (stop != end && !IsBlank(*stop))) return std::nullopt;
  return number;
}

uint64_t Up(uint64_t number, uint64_t delta) { return number + delta; }
uint64_t Down(uint64_t number, uint64_t delta) { return number < delta ? 0 : number - delta; }

}  // namespace

StoreAnswer Store::Set(std::string_view key, std::string_view value, uint32_t flags,
                       int64_t exptime) {
  Begin();
  const KeyHash hash = HashOf(key);
  const StoreAnswer answer = Write({key, hash, value, {}, flags, ExpiryOf(exptime, now_s_)});
  // As memcached does: nobody may go on reading what was to be replaced.
  if (answer.result == StoreResult::kTooLarge || answer.result == StoreResult::kNoMemory) {
    if (const auto before = index_.Find(key, hash)) index_.Clear(before->slot);
  }
  return answer;
}

StoreAnswer Store::Add(std::string_view key, std::string_view value, uint32_t flags,
                       int64_t exptime) {
  Begin();
  const KeyHash hash = HashOf(key);
  if (const auto before = FindVisible(key, hash)) {
    index_.Touch(before->slot);
    return {.result = StoreResult::kNotStored};
  }
  return Write({key, hash, value, {}, flags, ExpiryOf(exptime, now_s_)});
}

StoreAnswer Store::Replace(std::string_view key, std::string_view value, uint32_t flags,
                           int64_t exptime) {
  Begin();
  const KeyHash hash = HashOf(key);
  if (!FindVisible(key, hash)) return {.result = StoreResult::kNotStored};
  return Write({key, hash, value, {}, flags, ExpiryOf(exptime, now_s_)});
}

StoreAnswer Store::Cas(std::string_view key, std::string_view value, uint32_t flags,
                       int64_t exptime, uint64_t cas) {
  Begin();
  const KeyHash hash = HashOf(key);
  const auto before = FindVisible(key, hash);
  if (!before) return {.result = StoreResult::kNotFound};
  if (before->header.cas != cas) return {.result = StoreResult::kExists};
  return Write({key, hash, value, {}, flags, ExpiryOf(exptime, now_s_)});
}

StoreAnswer Store::Append(std::string_view key, std::string_view tail) {
  return Join(key, {}, tail);
}

StoreAnswer Store::Prepend(std::string_view key, std::string_view head) {
  return Join(key, head, {});
}

StoreAnswer Store::Join(std::string_view key, std::string_view head, std::string_view tail) {
  Begin();
  const KeyHash hash = HashOf(key);
  const auto before = FindVisible(key, hash);
  if (!before) return {.result = StoreResult::kNotStored};
  LoadValue(*before, scratch_);
  const ItemLife life = before->header.life;
  const bool is_append = head.empty();
  return Write({key, hash, is_append ? scratch_ : head, is_append ? tail : scratch_, life.flags,
                life.expiry_s});
}

StoreAnswer Store::Incr(std::string_view key, uint64_t delta) { return Count(key, Up, delta); }
StoreAnswer Store::Decr(std::string_view key, uint64_t delta) { return Count(key, Down, delta); }

StoreAnswer Store::Count(std::string_view key, uint64_t (*step)(uint64_t, uint64_t),
                         uint64_t delta) {
  Begin();
  const KeyHash hash = HashOf(key);
  const auto before = FindVisible(key, hash);
  if (!before) return {.result = StoreResult::kNotFound};
  LoadValue(*before, scratch_);
  const std::optional<uint64_t> number = NumberIn(scratch_);
  if (!number) return {.result = StoreResult::kNotANumber};
  const uint64_t next = step(*number, delta);
  std::string text = std::to_string(next);
  if (text.size() < scratch_.size()) text.resize(scratch_.size(), ' ');
  const ItemLife life = before->header.life;
  StoreAnswer answer = Write({key, hash, text, {}, life.flags, life.expiry_s});
  answer.number = next;
  return answer;
}

StoreAnswer Store::Delete(std::string_view key) {
  Begin();
  const auto before = FindVisible(key, HashOf(key));
  if (!before) return {.result = StoreResult::kNotFound};
  index_.Clear(before->slot);
  return {.result = StoreResult::kDone};
}

StoreAnswer Store::Touch(std::string_view key, int64_t exptime) {
  Begin();
  const auto before = FindVisible(key, HashOf(key));
  if (!before) return {.result = StoreResult::kNotFound};
  index_.Touch(before->slot);
  const uint32_t expiry_s = ExpiryOf(exptime, now_s_);
  log_.Extended(before->place.segment, expiry_s);
  // SAFETY: Find() checked place and size. Release, as all words of items: LoadItemHeader().
  reinterpret_cast<Item*>(shard_.At(before->place))
      ->life.store(Pack(ItemLife{.flags = before->header.life.flags, .expiry_s = expiry_s}),
                   std::memory_order_release);
  return {.result = StoreResult::kDone};
}

StoreAnswer Store::Write(const Draft& draft) {
  if (!IsGoodKey(draft.key)) return {.result = StoreResult::kBadKey};
  const uint64_t value_bytes = draft.head.size() + draft.tail.size();
  const uint64_t item_bytes = ItemBytes(draft.key.size(), value_bytes);
  if (value_bytes > UINT32_MAX || item_bytes > shard_.Shape().item_max_bytes) {
    return {.result = StoreResult::kTooLarge};
  }
  const Queue queue = QueueFor(draft, index_.Find(draft.key, draft.hash));
  const std::optional<Place> place = MakeRoom(queue, item_bytes);
  if (!place) return {.result = StoreResult::kNoMemory};
  const ItemHeader header{
      .sizes = {.value_bytes = static_cast<uint32_t>(value_bytes),
                .key_bytes = static_cast<uint8_t>(draft.key.size())},
      .life = {.flags = draft.flags, .expiry_s = draft.expiry_s},
      .cas = NextCas(),
  };
  ItemWriter writer(shard_.At(*place), header);
  for (const std::string_view part : {draft.key, draft.head, draft.tail}) writer.Append(part);
  writer.Finish();
  log_.Commit(queue, item_bytes);
  Publish(draft, *place);
  return {.result = StoreResult::kStored, .cas = header.cas};
}

// What is rewritten stays in its queue.
Queue Store::QueueFor(const Draft& draft, const std::optional<Entry>& before) {
  if (before) return log_.QueueOf(before->place.segment);
  if (!ghost_.Take(draft.hash)) return Queue::kSmall;
  ++counters_.promoted_items;
  return Queue::kMain;
}

// SUBTLE: looks for the key once more, because making room may have moved or evicted it. A key that
// has a slot keeps it, so that readers, who look at one slot after the other, never miss it.
void Store::Publish(const Draft& draft, const Place& place) {
  if (const auto before = index_.Find(draft.key, draft.hash)) {
    return index_.Fill(before->slot, draft.hash, place, draft.expiry_s);
  }
  const uint64_t slot = index_.SlotFor(draft.hash);
  if (index_.LeadsSomewhere(slot)) ++counters_.displaced_items;
  index_.SetFrequency(slot, 0);
  index_.Fill(slot, draft.hash, place, draft.expiry_s);
}

}  // namespace tombolo::kvcache

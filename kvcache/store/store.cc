#include "kvcache/store/store.h"

#include <algorithm>
#include <array>
#include <utility>

#include "kvcache/layout/item.h"
#include "kvcache/store/expiry.h"

namespace tombolo::kvcache {
namespace {

// So many are set aside by one store; a restart skips what is left of them.
constexpr uint64_t kCasBlock = uint64_t{1} << 20;

constexpr uint64_t kSlotsPerStep = 512;  // Of Walk(): each may be a miss of the cache.

}  // namespace

Store::Store(const Shard& shard, UnixClock clock)
    : shard_(shard),
      superblock_(shard_.TheSuperblock()),
      clock_(std::move(clock)),
      log_(shard_),
      index_(shard_, log_),
      ghost_(index_.SlotCount()) {}

// Every operation begins here: what is due by the clock happens first.
void Store::Begin() {
  const uint32_t now_s = clock_();
  if (now_s > now_s_) {
    now_s_ = now_s;
    // Release, for readers, as everything on this line.
    superblock_.now_s.store(now_s_, std::memory_order_release);
  }
  if (flush_at_s_ != 0 && flush_at_s_ <= now_s_) FlushNow();
}

void Store::Tick() {
  Begin();
  superblock_.heartbeat.store(++heartbeat_, std::memory_order_release);
  ApproachLimit();
}

void Store::FlushAll(int64_t when) {
  Begin();
  const uint32_t at_s = ExpiryOf(when, now_s_);
  if (at_s <= now_s_) return FlushNow();
  flush_at_s_ = at_s;
  superblock_.flush_at_s.store(at_s, std::memory_order_release);
}

// The watermark first: whoever dies in between flushes once more.
void Store::FlushNow() {
  flush_cas_ = last_cas_;
  superblock_.flush_cas.store(flush_cas_, std::memory_order_release);
  flush_at_s_ = 0;
  superblock_.flush_at_s.store(0, std::memory_order_release);
}

// An item that has expired or was flushed is cleared on the way. One that is asked for although it
// has expired is wanted: when it is written anew it need not show that once more.
std::optional<Entry> Store::FindVisible(std::string_view key, const KeyHash& hash) {
  std::optional<Entry> entry = index_.Find(key, hash);
  if (!entry || IsVisible(entry->header)) return entry;
  if (entry->header.cas <= flush_cas_) {
    ++counters_.flushed_items;
  } else {
    ++counters_.expired_items;
    ghost_.Remember(hash);
  }
  index_.Clear(entry->slot);
  return std::nullopt;
}

void Store::LoadValue(const Entry& entry, std::string& value) const {
  const ItemSizes& sizes = entry.header.sizes;
  value.resize(sizes.value_bytes);
  LoadBytes(shard_.At(entry.place) + sizeof(Item) + sizes.key_bytes,
            std::as_writable_bytes(std::span(value)));
}

// The header is sane.
KeyHash Store::HashOfItem(const Place& place, const ItemHeader& header) const {
  std::array<char, kMaxKeyBytes> bytes;
  const std::span<char> key(bytes.data(), header.sizes.key_bytes);
  LoadBytes(shard_.At(place) + sizeof(Item), std::as_writable_bytes(key));
  return HashOf({key.data(), key.size()});
}

bool Store::Get(std::string_view key, StoredValue& value, GetUse use) {
  const std::optional<Entry> entry = FindFor(key, value, use);
  if (!entry) return false;
  LoadValue(*entry, value.value);
  return true;
}

bool Store::Describe(std::string_view key, StoredValue& value, GetUse use) {
  value.value.clear();
  return FindFor(key, value, use).has_value();
}

// Everything of it but the value.
std::optional<Entry> Store::FindFor(std::string_view key, StoredValue& value, GetUse use) {
  Begin();
  const std::optional<Entry> entry = FindVisible(key, HashOf(key));
  if (!entry) return std::nullopt;
  if (use == GetUse::kCounts) CountHit(*entry);
  Describe(entry->header, value);
  return entry;
}

void Store::Describe(const ItemHeader& header, StoredValue& value) {
  value.value_bytes = header.sizes.value_bytes;
  value.flags = header.life.flags;
  value.expiry_s = header.life.expiry_s;
  value.cas = header.cas;
  value.marks = header.sizes.marks;
}

WalkStep Store::Walk(uint64_t& slot, std::string& key, StoredValue& item) {
  Begin();
  const uint64_t slot_count = index_.SlotCount();
  for (uint64_t left = kSlotsPerStep; left != 0 && slot < slot_count; --left) {
    const std::optional<Entry> entry = index_.At(slot++);
    if (!entry || !IsVisible(entry->header)) continue;
    key.resize(entry->header.sizes.key_bytes);
    LoadBytes(shard_.At(entry->place) + sizeof(Item), std::as_writable_bytes(std::span(key)));
    item.value.clear();
    Describe(entry->header, item);
    return WalkStep::kItem;
  }
  return slot < slot_count ? WalkStep::kNothingYet : WalkStep::kEnd;
}

uint32_t Store::NowS() {
  Begin();
  return now_s_;
}

void Store::Touched(uint64_t slot) {
  if (slot < index_.SlotCount() && index_.LeadsSomewhere(slot)) index_.Touch(slot);
}

uint64_t Store::NextCas() {
  if (last_cas_ == cas_limit_) {
    cas_limit_ += kCasBlock;
    superblock_.cas_limit.store(cas_limit_, std::memory_order_release);
  }
  return ++last_cas_;
}

}  // namespace tombolo::kvcache

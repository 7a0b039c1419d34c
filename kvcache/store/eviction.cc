#include <algorithm>
#include <array>
#include <span>

#include "kvcache/layout/item.h"
#include "kvcache/store/store.h"

namespace tombolo::kvcache {
namespace {

// A victim whose items all survive frees nothing. After so many in a row they are no longer asked.
constexpr int kPatientRounds = 4;
constexpr int kMaxRounds = 16;

}  // namespace

std::optional<Place> Store::MakeRoom(Queue queue, uint64_t bytes) {
  for (int round = 0; round < kMaxRounds; ++round) {
    if (const auto place = log_.NextPlace(queue, bytes)) return place;
    if (log_.HasSpare()) {
      log_.OpenNext(queue);
      continue;
    }
    // Sealed first, because it may be the only one that there is to evict.
    log_.Seal(queue);
    const bool is_patient = round < kPatientRounds;
    if (!FreeSome(bytes, is_patient ? Survivors::kThoseAskedFor : Survivors::kNone)) break;
  }
  return std::nullopt;
}

// False: nothing could be freed, or not enough for an item of `bytes`.
bool Store::FreeSome(uint64_t bytes, Survivors survivors) {
  if (never_evicts_) return CompactSegment(bytes);
  const std::optional<uint32_t> victim = log_.TakeVictim(now_s_);
  if (victim) Recycle(*victim, survivors);
  return victim.has_value();
}

// All that goes is what nobody can find any more. First the segment with the fewest items, then the
// one whose turn it is: its items may have expired, which is not known before somebody looks.
bool Store::CompactSegment(uint64_t bytes) {
  for (const bool takes_emptiest : {true, false}) {
    if (!log_.HasFree()) return false;  // Survivors have to lie somewhere.
    const auto segment = takes_emptiest ? log_.TakeEmptiest() : log_.TakeVictim(now_s_);
    if (!segment) return false;
    const uint64_t rewritten_bytes = counters_.rewritten_bytes;
    Recycle(*segment, Survivors::kAll);
    const uint64_t kept_bytes = counters_.rewritten_bytes - rewritten_bytes;
    if (shard_.Shape().segment_bytes - kept_bytes >= bytes) return true;
  }
  return false;
}

void Store::Recycle(uint32_t segment, Survivors survivors) {
  log_.BeginRecycling(segment);
  const bool walked = EvictItems(segment, survivors);
  // Slots that were counted and not met: somebody else has written here.
  if (!walked || log_.LiveOf(segment) != 0) index_.ClearAllOf(segment);
  log_.EndRecycling(segment);
  ++counters_.recycled_segments;
}

// Goes through the items of a segment, live or not. False: a header makes no sense, and where the
// next item begins is not known.
bool Store::EvictItems(uint32_t segment, Survivors survivors) {
  const uint64_t written = log_.WrittenOf(segment);
  for (uint64_t at = 0; at < written && log_.LiveOf(segment) != 0;) {
    if (written - at < sizeof(Item)) return false;
    const Place place{.segment = segment, .offset_bytes = at};
    const ItemHeader header = LoadItemHeader(shard_.At(place));
    if (!header.IsSane(written - at)) return false;
    const KeyHash hash = HashOfItem(place, header);
    if (const auto slot = index_.SlotOf(hash, place)) {
      EvictItem(hash, {.slot = *slot, .place = place, .header = header}, survivors);
    }
    at += header.Bytes();
  }
  return true;
}

void Store::EvictItem(const KeyHash& hash, const Entry& entry, Survivors survivors) {
  const bool is_visible = IsVisible(entry.header);
  if (is_visible && Survives(entry, survivors) && Rewrite(hash, entry)) return;
  if (is_visible) ++counters_.evicted_items;
  if (is_visible) TellEvicted(entry);
  if (is_visible && log_.QueueOf(entry.place.segment) == Queue::kSmall) ghost_.Remember(hash);
  index_.Clear(entry.slot);
}

bool Store::Survives(const Entry& entry, Survivors survivors) const {
  if (survivors == Survivors::kAll) return true;
  return survivors == Survivors::kThoseAskedFor && index_.FrequencyOf(entry.slot) != 0;
}

// Its header is sane.
void Store::TellEvicted(const Entry& entry) {
  if (!IsListenedTo()) return;
  const ItemHeader& header = entry.header;
  std::array<char, kMaxKeyBytes> bytes;
  const std::span<char> key(bytes.data(), header.sizes.key_bytes);
  LoadBytes(shard_.At(entry.place) + sizeof(Item), std::as_writable_bytes(key));
  const uint32_t expiry_s = header.life.expiry_s;
  eviction_listener_->Evicted({.key = {key.data(), key.size()},
                               .value_bytes = header.sizes.value_bytes,
                               .ttl_s = expiry_s == 0 ? -1 : int64_t{expiry_s} - int64_t{now_s_},
                               .was_fetched = (header.sizes.marks & kMarkFetched) != 0});
}

// Moves an item to the main queue, into the segment that is kept free for that if need be.
bool Store::Rewrite(const KeyHash& hash, const Entry& entry) {
  const uint64_t bytes = entry.header.Bytes();
  std::optional<Place> place = log_.NextPlace(Queue::kMain, bytes);
  if (!place && log_.OpenNext(Queue::kMain)) place = log_.NextPlace(Queue::kMain, bytes);
  if (!place) return false;
  const ItemSizes& sizes = entry.header.sizes;
  ItemWriter writer(shard_.At(*place), entry.header);
  writer.AppendShared(shard_.At(entry.place) + sizeof(Item),
                      size_t{sizes.key_bytes} + sizes.value_bytes);
  writer.Finish();
  log_.Commit(Queue::kMain, bytes);
  const uint32_t frequency = index_.FrequencyOf(entry.slot);
  index_.SetFrequency(entry.slot, frequency - std::min(frequency, 1u));
  index_.Fill(entry.slot, hash, *place, entry.header.life.expiry_s);
  ++counters_.rewritten_items;
  counters_.rewritten_bytes += bytes;
  return true;
}

}  // namespace tombolo::kvcache

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
    if (!EvictSegment(round < kPatientRounds)) return std::nullopt;
  }
  return std::nullopt;
}

bool Store::EvictSegment(bool keeps_survivors) {
  const std::optional<uint32_t> victim = log_.TakeVictim(now_s_);
  if (!victim) return false;
  log_.BeginRecycling(*victim);
  const bool walked = EvictItems(*victim, keeps_survivors);
  // Slots that were counted and not met: somebody else has written here.
  if (!walked || log_.LiveOf(*victim) != 0) index_.ClearAllOf(*victim);
  log_.EndRecycling(*victim);
  ++counters_.recycled_segments;
  return true;
}

// Goes through the items of a segment, live or not. False: a header makes no sense, and where the
// next item begins is not known.
bool Store::EvictItems(uint32_t segment, bool keeps_survivors) {
  const uint64_t written = log_.WrittenOf(segment);
  for (uint64_t at = 0; at < written && log_.LiveOf(segment) != 0;) {
    if (written - at < sizeof(Item)) return false;
    const Place place{.segment = segment, .offset_bytes = at};
    const ItemHeader header = LoadItemHeader(shard_.At(place));
    if (!header.IsSane(written - at)) return false;
    const KeyHash hash = HashOfItem(place, header);
    if (const auto slot = index_.SlotOf(hash, place)) {
      EvictItem(hash, {.slot = *slot, .place = place, .header = header}, keeps_survivors);
    }
    at += header.Bytes();
  }
  return true;
}

void Store::EvictItem(const KeyHash& hash, const Entry& entry, bool keeps_survivors) {
  const bool is_visible = IsVisible(entry.header);
  if (is_visible && keeps_survivors && index_.FrequencyOf(entry.slot) != 0 &&
      Rewrite(hash, entry)) {
    ++counters_.rewritten_items;
    return;
  }
  if (is_visible) ++counters_.evicted_items;
  if (is_visible && log_.QueueOf(entry.place.segment) == Queue::kSmall) ghost_.Remember(hash);
  index_.Clear(entry.slot);
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
  index_.SetFrequency(entry.slot, index_.FrequencyOf(entry.slot) - 1);
  index_.Fill(entry.slot, hash, *place, entry.header.life.expiry_s);
  return true;
}

}  // namespace tombolo::kvcache

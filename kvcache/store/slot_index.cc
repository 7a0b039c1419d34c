#include "kvcache/store/slot_index.h"

#include <algorithm>
#include <array>

#include "transport/base/prefetch.h"

namespace tombolo::kvcache {

SlotIndex::SlotIndex(const Shard& shard, SegmentLog& log)
    : shard_(shard),
      log_(log),
      frequencies_(shard.Shape().bucket_count),
      seconds_(shard.Shape().bucket_count) {}

void SlotIndex::Format() {
  for (uint64_t slot = 0; slot < SlotCount(); ++slot) {
    // Release: after the epoch that tells readers to look anew.
    Word(slot).store(0, std::memory_order_release);
  }
}

// Counts in memory of its own: the log's numbers would be loaded and stored with every slot.
uint64_t SlotIndex::Load() {
  std::vector<uint64_t> live(shard_.Shape().segment_count);
  uint64_t dropped = 0;
  const uint64_t slot_count = SlotCount();
  for (uint64_t slot = 0; slot < slot_count; ++slot) {
    const uint64_t word = Load(slot);
    const std::optional<Place> place = Target(word);
    if (place && log_.IsSealed(place->segment)) {
      ++live[place->segment];
    } else if (word != 0) {
      Word(slot).store(0, std::memory_order_release);
      ++dropped;
    }
  }
  for (uint32_t segment = 0; segment < live.size(); ++segment) {
    used_ += live[segment];
    // When its items expire is not known before somebody looks at them.
    if (live[segment] != 0) log_.Gained(segment, 0, live[segment]);
  }
  return dropped;
}

std::optional<Entry> SlotIndex::EntryOf(uint64_t slot, uint64_t word) const {
  const std::optional<Place> place = Target(word);
  if (!place) return std::nullopt;
  const ItemHeader header = LoadItemHeader(shard_.At(*place));
  if (!header.IsSane(log_.WrittenOf(place->segment) - place->offset_bytes)) return std::nullopt;
  return Entry{.slot = slot, .place = *place, .header = header};
}

std::optional<Entry> SlotIndex::At(uint64_t slot) const { return EntryOf(slot, Load(slot)); }

bool SlotIndex::IsOf(const Entry& entry, std::string_view key) const {
  return entry.header.sizes.key_bytes == key.size() &&
         HoldsKey(shard_.At(entry.place) + sizeof(Item), key);
}

void SlotIndex::FetchToFill(const KeyHash& hash) const {
  const BucketPair buckets = hash.Buckets(shard_.Shape().bucket_count);
  for (const uint64_t bucket : {buckets.first, buckets.second}) {
    PrefetchToWrite(&shard_.BucketAt(bucket));
    PrefetchToWrite(&seconds_[bucket]);
  }
}

std::optional<Entry> SlotIndex::Find(std::string_view key, const KeyHash& hash) const {
  const BucketPair buckets = hash.Buckets(shard_.Shape().bucket_count);
  for (const uint64_t bucket : {buckets.first, buckets.second}) {
    for (uint32_t i = 0; i < kBucketSlots; ++i) {
      const uint64_t slot = bucket * kBucketSlots + i;
      const uint64_t word = Load(slot);
      if (word == 0 || UnpackSlot(word).tag != hash.Tag()) continue;
      const std::optional<Entry> entry = EntryOf(slot, word);
      if (entry && IsOf(*entry, key)) return entry;
    }
  }
  return std::nullopt;
}

std::optional<uint64_t> SlotIndex::SlotOf(const KeyHash& hash, const Place& place) const {
  const BucketPair buckets = hash.Buckets(shard_.Shape().bucket_count);
  if (const auto slot = SlotIn(buckets.first, hash, place)) return slot;
  return SlotIn(buckets.second, hash, place);
}

std::optional<uint64_t> SlotIndex::SlotIn(uint64_t bucket, const KeyHash& hash,
                                          const Place& place) const {
  const uint64_t wanted = WordFor(hash, place);
  for (uint32_t i = 0; i < kBucketSlots; ++i) {
    const uint64_t slot = bucket * kBucketSlots + i;
    if (Load(slot) == wanted) return slot;
  }
  return std::nullopt;
}

uint64_t SlotIndex::WordFor(const KeyHash& hash, const Place& place) const {
  return Pack(Slot{.tag = hash.Tag(),
                   .generation = static_cast<uint8_t>(log_.GenerationOf(place.segment)),
                   .location = shard_.LocationOf(place)});
}

void SlotIndex::Fill(uint64_t slot, const KeyHash& hash, const Place& place, uint32_t expiry_s) {
  log_.Gained(place.segment, expiry_s);
  ++used_;
  Store(slot, WordFor(hash, place));
  SetIsSecond(slot, slot / kBucketSlots == hash.Buckets(shard_.Shape().bucket_count).second);
}

void SlotIndex::Store(uint64_t slot, uint64_t word) {
  if (const std::optional<Place> before = Target(Load(slot))) {
    log_.Lost(before->segment);
    if (used_ != 0) --used_;
  }
  Word(slot).store(word, std::memory_order_release);
}

uint64_t SlotIndex::SlotFor(const KeyHash& hash) const {
  const BucketPair pair = hash.Buckets(shard_.Shape().bucket_count);
  std::array<uint64_t, 2> buckets = {pair.first, pair.second};
  if (CountEmpty(pair.second) > CountEmpty(pair.first)) std::swap(buckets[0], buckets[1]);
  uint64_t least = buckets[0] * kBucketSlots;
  for (const uint64_t bucket : buckets) {
    for (uint32_t i = 0; i < kBucketSlots; ++i) {
      const uint64_t slot = bucket * kBucketSlots + i;
      if (!LeadsSomewhere(slot)) return slot;
      if (FrequencyOf(slot) < FrequencyOf(least)) least = slot;
    }
  }
  return least;
}

std::optional<uint64_t> SlotIndex::EmptySlotIn(uint64_t bucket) const {
  for (uint32_t i = 0; i < kBucketSlots; ++i) {
    const uint64_t slot = bucket * kBucketSlots + i;
    if (!LeadsSomewhere(slot)) return slot;
  }
  return std::nullopt;
}

uint32_t SlotIndex::CountEmpty(uint64_t bucket) const {
  uint32_t empty = 0;
  for (uint32_t i = 0; i < kBucketSlots; ++i) {
    if (!LeadsSomewhere(bucket * kBucketSlots + i)) ++empty;
  }
  return empty;
}

void SlotIndex::Clear(uint64_t slot) {
  Store(slot, 0);
  SetFrequency(slot, 0);
}

void SlotIndex::ClearAllOf(uint32_t segment) {
  for (uint64_t slot = 0; slot < SlotCount(); ++slot) {
    const std::optional<Place> place = Target(Load(slot));
    if (place && place->segment == segment) Clear(slot);
  }
}

void SlotIndex::SetIsSecond(uint64_t slot, bool is_second) {
  const unsigned bit = 1u << slot % kBucketSlots;
  uint8_t& bucket = seconds_[slot / kBucketSlots];
  bucket = static_cast<uint8_t>(is_second ? bucket | bit : bucket & ~bit);
}

void SlotIndex::Touch(uint64_t slot) {
  SetFrequency(slot, std::min(FrequencyOf(slot) + 1, kMaxFrequency));
}

uint32_t SlotIndex::FrequencyOf(uint64_t slot) const {
  const uint32_t shift = 2 * (slot % kBucketSlots);
  return frequencies_[slot / kBucketSlots] >> shift & kMaxFrequency;
}

void SlotIndex::SetFrequency(uint64_t slot, uint32_t frequency) {
  const uint32_t shift = 2 * (slot % kBucketSlots);
  uint16_t& bucket = frequencies_[slot / kBucketSlots];
  bucket = static_cast<uint16_t>((bucket & ~(kMaxFrequency << shift)) | frequency << shift);
}

}  // namespace tombolo::kvcache

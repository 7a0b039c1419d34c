// SlotIndex: the owner's view of the buckets: finds, fills and clears slots, each by one store, and
// keeps what nobody else sees: how often an item was asked for (2 bits per slot), and whether it
// lies in the second bucket of its key (1 bit).
//
// It assumes of the slots that they may say anything: what a slot leads to is checked against the
// SegmentLog's private numbers before it is looked at, and a slot that fails is as good as empty.
//
// Not thread-safe: the one writer's.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "kvcache/shard/item_bytes.h"
#include "kvcache/shard/key_hash.h"
#include "kvcache/shard/shard_parts.h"
#include "kvcache/store/segment_log.h"

namespace tombolo::kvcache {

inline constexpr uint32_t kMaxFrequency = 3;

// An item that a slot leads to.
struct Entry {
  uint64_t slot = 0;  // Number of the slot: bucket * kBucketSlots + its place there.
  Place place;
  ItemHeader header;
};

class SlotIndex {
 public:
  // `log` must outlive it.
  SlotIndex(const Shard& shard, SegmentLog& log);

  // Clears every slot, of whatever bytes.
  void Format();

  // Takes over the slots after another owner: those that lead nowhere or to a segment that is not
  // sealed are cleared. Gives how many were.
  uint64_t Load();

  std::optional<Entry> Find(std::string_view key, const KeyHash& hash) const;

  // Asks for what Find() and Fill() of a key with that hash will need.
  void FetchToFill(const KeyHash& hash) const;

  // The item that `slot` leads to, whatever its key is; nothing if there is none.
  std::optional<Entry> At(uint64_t slot) const;

  // The slot that leads to the item at `place`, whose key has that hash: of both of its buckets, or
  // of one of them.
  std::optional<uint64_t> SlotOf(const KeyHash& hash, const Place& place) const;
  std::optional<uint64_t> SlotIn(uint64_t bucket, const KeyHash& hash, const Place& place) const;

  std::optional<uint64_t> EmptySlotIn(uint64_t bucket) const;

  // Whether this owner has filled the slot, in the second bucket of the key.
  bool IsKnownToBeSecond(uint64_t slot) const {
    return (seconds_[slot / kBucketSlots] >> slot % kBucketSlots & 1) != 0;
  }

  // Lets `slot` lead to the item at `place`. Memory ordering: release; pairs with the acquire
  // of the slot in Reader::Scan, which therefore sees the whole item.
  void Fill(uint64_t slot, const KeyHash& hash, const Place& place, uint32_t expiry_s);

  // A slot for a key that has none: an empty one, in the emptier of its buckets; else the one whose
  // item was asked for least. Fill() it next.
  uint64_t SlotFor(const KeyHash& hash) const;

  void Clear(uint64_t slot);

  // Clears every slot that leads into `segment`: a scan of the whole index.
  void ClearAllOf(uint32_t segment);

  void Touch(uint64_t slot);
  uint32_t FrequencyOf(uint64_t slot) const;
  void SetFrequency(uint64_t slot, uint32_t frequency);

  uint64_t SlotCount() const { return shard_.Shape().bucket_count * kBucketSlots; }
  uint64_t UsedCount() const { return used_; }
  bool LeadsSomewhere(uint64_t slot) const { return Target(Load(slot)).has_value(); }

 private:
  SharedU64& Word(uint64_t slot) const {
    return shard_.BucketAt(slot / kBucketSlots).slots[slot % kBucketSlots];
  }
  uint64_t Load(uint64_t slot) const {
    // Relaxed: we stored it ourselves, or checked what it says as if we had not.
    return Word(slot).load(std::memory_order_relaxed);
  }
  std::optional<Place> Target(uint64_t word) const;
  std::optional<Entry> EntryOf(uint64_t slot, uint64_t word) const;
  bool IsOf(const Entry& entry, std::string_view key) const;
  uint64_t WordFor(const KeyHash& hash, const Place& place) const;
  void SetIsSecond(uint64_t slot, bool is_second);
  uint32_t CountEmpty(uint64_t bucket) const;
  void Store(uint64_t slot, uint64_t word);

  Shard shard_;
  SegmentLog& log_;
  std::vector<uint16_t> frequencies_;  // Per bucket: eight times 2 bits.
  std::vector<uint8_t> seconds_;       // Per bucket: a bit for each slot.
  uint64_t used_ = 0;
};

// Here, because millions of slots are looked at when an owner starts, and up to sixteen by a set.
inline std::optional<Place> SlotIndex::Target(uint64_t word) const {
  if (word == 0) return std::nullopt;
  const Slot slot = UnpackSlot(word);
  const std::optional<Place> place = shard_.PlaceOf(slot.location);
  if (!place) return std::nullopt;
  if (slot.generation != static_cast<uint8_t>(log_.GenerationOf(place->segment))) {
    return std::nullopt;
  }
  if (place->offset_bytes + sizeof(Item) > log_.WrittenOf(place->segment)) return std::nullopt;
  return place;
}

}  // namespace tombolo::kvcache

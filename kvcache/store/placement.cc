// Which slot a new key gets. When both of its buckets are full, one of the items there goes on to
// its second bucket and leaves its slot to the new key.
//
//   moving_slot: which one -> the slot in the second bucket -> the slot in the first: the new key
//
// Readers look at the first bucket of a key and then at the second. So an item only moves from its
// first one to its second, where it is before it leaves: whoever does not meet it in the first one
// meets it in the second. An owner who dies in between leaves it in both; the next one clears the
// first, which moving_slot tells (else it could come back from there after it was deleted).
#include "kvcache/store/store.h"

namespace tombolo::kvcache {
namespace {

// Each is a miss of the cache or two; nearly always one or two do.
constexpr int kMostTries = 4;

// An index that is made for fewer items than there are: hardly any of them could move.
constexpr uint64_t kCrowdedPercent = 93;

}  // namespace

// Nothing: the item of another key would have to go, and none may.
std::optional<uint64_t> Store::SlotForNew(const KeyHash& hash) {
  const uint64_t least = index_.SlotFor(hash);
  if (!index_.LeadsSomewhere(least)) return least;
  if (const auto left = SlotOfMoved(hash)) {
    ++counters_.moved_items;
    return *left;
  }
  if (never_evicts_) return std::nullopt;
  ++counters_.displaced_items;
  TellDisplaced(least);
  return least;
}

void Store::TellDisplaced(uint64_t slot) {
  if (!IsListenedTo()) return;
  const std::optional<Entry> entry = index_.At(slot);
  if (entry && IsVisible(entry->header)) TellEvicted(*entry);
}

// A slot whose item is now in its second bucket too.
std::optional<uint64_t> Store::SlotOfMoved(const KeyHash& hash) {
  if (index_.UsedCount() * 100 > index_.SlotCount() * kCrowdedPercent) return std::nullopt;
  const BucketPair pair = hash.Buckets(shard_.Shape().bucket_count);
  int tries = 0;
  for (const uint64_t bucket : {pair.first, pair.second}) {
    for (uint32_t i = 0; i < kBucketSlots && tries < kMostTries; ++i) {
      const uint64_t slot = bucket * kBucketSlots + i;
      if (index_.IsKnownToBeSecond(slot)) continue;
      ++tries;
      if (CopyOn(slot)) return slot;
    }
  }
  return std::nullopt;
}

// Lets the item that `slot` leads to be found in its second bucket too. False: it is there already,
// or that bucket is full.
bool Store::CopyOn(uint64_t slot) {
  const std::optional<Entry> entry = index_.At(slot);
  if (!entry) return false;
  const KeyHash hash = HashOfItem(entry->place, entry->header);
  const BucketPair pair = hash.Buckets(shard_.Shape().bucket_count);
  if (slot / kBucketSlots != pair.first) return false;
  const std::optional<uint64_t> next = index_.EmptySlotIn(pair.second);
  if (!next) return false;
  superblock_.moving_slot.store(slot + 1, std::memory_order_release);
  index_.SetFrequency(*next, index_.FrequencyOf(slot));
  index_.Fill(*next, hash, entry->place, entry->header.life.expiry_s);
  return true;
}

// After another owner. Without a move that was not finished, nothing happens.
void Store::FinishMove() {
  const uint64_t number = superblock_.moving_slot.load(std::memory_order_acquire);
  if (number == 0 || number > index_.SlotCount()) return;
  const std::optional<Entry> entry = index_.At(number - 1);
  if (!entry) return;
  const KeyHash hash = HashOfItem(entry->place, entry->header);
  const BucketPair pair = hash.Buckets(shard_.Shape().bucket_count);
  if (entry->slot / kBucketSlots != pair.first) return;
  if (index_.SlotIn(pair.second, hash, entry->place)) index_.Clear(entry->slot);
}

}  // namespace tombolo::kvcache

// Backend: what a session asks for items: a Store beside it (store_backend.h), or, in a guest, a
// Reader for hits and the owner for the rest. The functions mean what they mean in Store; each is
// one moment for all other sessions.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "kvcache/store/store_types.h"

namespace tombolo::kvcache {

// What statistics tell of a store.
struct BackendFacts {
  uint64_t items = 0;
  uint64_t bytes = 0;        // Of items, those in it that nobody can find any more too.
  uint64_t limit_bytes = 0;  // What may be filled with items.
  uint64_t segment_bytes = 0;
  uint64_t item_max_bytes = 0;
  uint64_t evicted_items = 0;
  uint64_t expired_items = 0;  // Found and cleared because their time was over.
  uint64_t flushed_items = 0;
};

// Where a walk through all items is (Backend::Walk).
struct WalkPlace {
  uint32_t shard = 0;
  uint64_t slot = 0;
};

// Where a value is to lie, for whoever copies it there.
class ValueTarget {
 public:
  // Room for `item.value_bytes` bytes; of `item` all is known but its value. Asked for once more
  // when what was copied does not count, because somebody changed it meanwhile.
  virtual std::byte* RoomFor(const StoredValue& item) = 0;

 protected:
  ~ValueTarget() = default;
};

class Backend {
 public:
  virtual ~Backend() = default;

  virtual bool Get(std::string_view key, StoredValue& value, GetUse use) = 0;
  // The same, but the value goes to `target`, and what item.value is means nothing. After a miss
  // too there may have been asked for room.
  virtual bool GetTo(std::string_view key, StoredValue& item, GetUse use, ValueTarget& target) {
    const bool is_hit = Get(key, item, use);
    if (is_hit) Hand(item, target);
    return is_hit;
  }
  virtual bool Describe(std::string_view key, StoredValue& value, GetUse use) = 0;
  virtual StoreAnswer Put(const PutRequest& request) = 0;
  virtual StoreAnswer Count(const CountRequest& request) = 0;
  virtual StoreAnswer Remove(const RemoveRequest& request) = 0;
  virtual StoreAnswer Visit(const VisitRequest& request, StoredValue& seen) = 0;
  // False: it is not allowed.
  virtual bool FlushAll(int64_t when) = 0;

  virtual bool Fits(uint64_t key_bytes, uint64_t value_bytes) = 0;
  virtual uint32_t NowS() = 0;
  virtual BackendFacts Facts() = 0;

  // Goes through the items of all shards, as Store::Walk() does; begins with WalkPlace().
  virtual WalkStep Walk(WalkPlace& /*place*/, std::string& /*key*/, StoredValue& /*item*/) {
    return WalkStep::kEnd;
  }

  // As Store::LimitMemory(), of all shards together. False: that cannot be.
  virtual bool LimitMemory(uint64_t /*bytes*/) { return false; }

  // What is asked for next: a hint, so that the memory that it lies in may come nearer at once.
  virtual void Expect(std::span<const std::string_view> /*keys*/) {}

  // A reader elsewhere found an item in that slot of that shard, as it says itself: a hint.
  virtual void Touched(uint32_t /*shard*/, uint64_t /*slot*/) {}

  // Of items that were read without asking their owner. Any thread.
  virtual uint64_t LockFreeHits() const { return 0; }

  // Whether something could not be asked since the last call, because the owner is elsewhere and
  // cannot be reached: then none of the answers since that call counts.
  virtual bool TakeFailure() { return false; }

 protected:
  static void Hand(StoredValue& item, ValueTarget& target) {
    // What counts is what is copied, whatever else was said of its length.
    item.value_bytes = static_cast<uint32_t>(item.value.size());
    std::ranges::copy(std::as_bytes(std::span(item.value)), target.RoomFor(item));
  }
};

}  // namespace tombolo::kvcache

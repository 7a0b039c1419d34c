// Store: the owner of one shard: the only one who writes it. Readers of other processes load from
// the same memory meanwhile (kvcache/client); nothing that the owner does can make them wait.
//
//   write:    item's bytes -> written_bytes of the segment -> one store of the slot
//   recycle:  state -> slots -> generation -> bytes             (kvcache/store/segment_log.h)
//   move:     which slot -> slot in the second bucket -> slot in the first   (placement.cc)
//
// So whatever instruction the owner dies at, the next one finds each key as it was before the last
// operation or as it is after it.
//
// Eviction is S3-FIFO on segments: new items go to the small queue; when their segment's turn
// comes, those that were asked for move to the main queue, and the others are remembered for a
// while (Ghost). Items of the main queue that were asked for since are rewritten, up to three times
// as often.
//
// Nothing here has threads, sleeps or makes system calls; time comes from the clock that is given.
// Not thread-safe. Of the memory it assumes that others may write it: what is decided by a shared
// word was checked first, and the worst that follows is that items are lost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "kvcache/shard/geometry.h"
#include "kvcache/shard/item_bytes.h"
#include "kvcache/shard/key_hash.h"
#include "kvcache/shard/shard_parts.h"
#include "kvcache/store/eviction_listener.h"
#include "kvcache/store/ghost.h"
#include "kvcache/store/segment_log.h"
#include "kvcache/store/slot_index.h"
#include "kvcache/store/store_types.h"

namespace tombolo::kvcache {

// Seconds of Unix time. If it goes back, the store's time stands still.
using UnixClock = std::function<uint32_t()>;

struct StoreOptions {
  ShardLimits limits;      // shard_bytes 0: all of the memory.
  uint64_t hash_seed = 0;  // For a shard that is formatted: random.
  // What is there stays, until it expires or is deleted: a put that finds no room is refused.
  bool never_evicts = false;
};

// How Open() found the memory.
struct OpenReport {
  bool is_warm = false;
  std::string cold_reason;     // Why it was formatted; empty when it is warm.
  uint64_t items = 0;          // Found, and kept.
  uint64_t dropped_slots = 0;  // That led nowhere.
};

struct StoreCounters {
  uint64_t recycled_segments = 0;
  uint64_t evicted_items = 0;    // Visible ones, whose segment was recycled.
  uint64_t rewritten_items = 0;  // That survived the recycling of their segment.
  uint64_t rewritten_bytes = 0;
  uint64_t displaced_items = 0;  // Both buckets of another key were full, and nothing could move.
  uint64_t moved_items = 0;      // From their first bucket to their second, for another key.
  uint64_t promoted_items = 0;   // Written to the main queue because the ghost knew them.
  uint64_t expired_items = 0;    // Found and cleared because their time was over.
  uint64_t flushed_items = 0;    // Found and cleared because they were older than a flush.
};

class Store {
 public:
  // Attaches to the shard in `memory`, or formats one there when there is none or anything about it
  // is in doubt: then the report says why. `memory` must outlive the store, and no other owner may
  // be alive. InvalidArgument: the memory is not aligned to 64 bytes, or the limits do not fit it.
  static absl::StatusOr<std::unique_ptr<Store>> Open(std::span<std::byte> memory,
                                                     const StoreOptions& options, UnixClock clock);

  const OpenReport& Report() const { return report_; }

  // Tells the readers the time and that the owner lives: to be called at least twice a second.
  void Tick();

  // What requests point to lies in private memory. The next functions are short forms of these.
  StoreAnswer Put(const PutRequest& request);
  StoreAnswer Count(const CountRequest& request);
  StoreAnswer Remove(const RemoveRequest& request);
  // `seen`: what there was; when an item was made, what there is.
  StoreAnswer Visit(const VisitRequest& request, StoredValue& seen);

  StoreAnswer Set(std::string_view key, std::string_view value, uint32_t flags, int64_t exptime);
  StoreAnswer Add(std::string_view key, std::string_view value, uint32_t flags, int64_t exptime);
  StoreAnswer Replace(std::string_view key, std::string_view value, uint32_t flags,
                      int64_t exptime);
  // Only if the item's CAS number is still `cas`.
  StoreAnswer Cas(std::string_view key, std::string_view value, uint32_t flags, int64_t exptime,
                  uint64_t cas);

  // Flags and expiry stay as they are.
  StoreAnswer Append(std::string_view key, std::string_view tail);
  StoreAnswer Prepend(std::string_view key, std::string_view head);

  StoreAnswer Incr(std::string_view key, uint64_t delta);
  StoreAnswer Decr(std::string_view key, uint64_t delta);
  StoreAnswer Delete(std::string_view key);

  // The CAS number stays as it is.
  StoreAnswer Touch(std::string_view key, int64_t exptime);

  // Everything that was stored until then is gone: at once, or at `when` as in ExpiryOf().
  void FlushAll(int64_t when);

  // What a reader asks for that could not read it. False: a miss.
  bool Get(std::string_view key, StoredValue& value, GetUse use = GetUse::kCounts);

  // The same without the value itself, which may be long: it is left empty.
  bool Describe(std::string_view key, StoredValue& value, GetUse use = GetUse::kCounts);

  // Goes through the items that may be had: begin with slot 0, until kEnd. A step gives the next
  // one, without its value, or looks at no more than some hundred slots. What is stored or evicted
  // meanwhile may be met or not; an item that is there all the time is met, once unless it moves.
  WalkStep Walk(uint64_t& slot, std::string& key, StoredValue& item);

  // Whether an item of that size may be stored.
  bool Fits(uint64_t key_bytes, uint64_t value_bytes) const;

  // The store's time, in seconds of Unix time.
  uint32_t NowS();

  // A reader found an item in slot `slot`, as it says itself.
  void Touched(uint64_t slot);

  // Fills no more than so many bytes from now on, the index included; what is over that is evicted
  // by the next Tick()s, a few segments at a time. False: fewer than it needs, or more than it has.
  // Whoever opens the shard next knows nothing of it.
  bool LimitMemory(uint64_t bytes);

  // Segments that are not to be filled since the last call: their bytes mean nothing, until
  // LimitMemory() is called again.
  std::vector<std::span<std::byte>> TakeGivenUp() { return std::exchange(given_up_, {}); }

  // Of segments that may be filled.
  uint64_t LimitBytes() const;

  // `listener`: null for nobody; else it must outlive the store, or be taken away.
  void TellEvictionsTo(EvictionListener* listener) { eviction_listener_ = listener; }

  uint64_t ItemCount() const { return index_.UsedCount(); }
  // Of the items in segments that are in use, those that nobody can find any more among them.
  uint64_t WrittenBytes() const { return log_.WrittenBytes(); }
  const StoreCounters& Counters() const { return counters_; }
  const ShardGeometry& Geometry() const { return shard_.Geometry(); }

 private:
  // An item that is to be written; its value is `head` and then `tail`.
  struct Draft {
    std::string_view key;
    KeyHash hash;
    std::string_view head;
    std::string_view tail = {};
    uint32_t flags = 0;
    uint32_t expiry_s = 0;
    uint16_t marks = 0;
  };

  // Which items of a segment that is recycled are written anew.
  enum class Survivors { kNone, kThoseAskedFor, kAll };

  Store(const Shard& shard, UnixClock clock);

  // Opening: recovery.cc.
  void Format(uint64_t hash_seed);
  absl::Status Recover();
  absl::Status CheckSuperblock() const;
  void RecoverSegments();

  void Begin();
  void FlushNow();
  KeyHash HashOf(std::string_view key) const { return {key, seed_}; }
  std::optional<Entry> FindVisible(std::string_view key, const KeyHash& hash);
  std::optional<Entry> FindFor(std::string_view key, StoredValue& value, GetUse use);
  static void Describe(const ItemHeader& header, StoredValue& value);
  bool IsVisible(const ItemHeader& header) const { return header.IsVisible(now_s_, flush_cas_); }
  void LoadValue(const Entry& entry, std::string& value) const;
  KeyHash HashOfItem(const Place& place, const ItemHeader& header) const;
  uint64_t NextCas();

  // Writing: mutations.cc.
  StoreAnswer Write(const Draft& draft);
  StoreAnswer WriteOrClear(const Draft& draft);
  StoreAnswer WriteCas(const PutRequest& request, Draft draft, const std::optional<Entry>& before);
  StoreAnswer Join(const PutRequest& request, Draft draft, const std::optional<Entry>& before);
  StoreAnswer WriteStale(const RemoveRequest& request, const KeyHash& hash, const Entry& before);
  StoreAnswer WriteNumber(const CountRequest& request, const Entry& before, uint64_t next);
  StoreAnswer MakeNumber(const CountRequest& request, const KeyHash& hash);
  StoreAnswer MakeWon(const VisitRequest& request, StoredValue& seen);
  void CountHit(const Entry& entry);
  void StoreExpiry(const Entry& entry, uint32_t expiry_s);
  void StoreMarks(const Entry& entry, uint16_t marks);
  Queue QueueFor(const Draft& draft, const std::optional<Entry>& before);
  bool Publish(const Draft& draft, const std::optional<Entry>& before, const Place& place);

  // Finding a slot for a new key: placement.cc.
  std::optional<uint64_t> SlotForNew(const KeyHash& hash);
  std::optional<uint64_t> SlotOfMoved(const KeyHash& hash);
  bool CopyOn(uint64_t slot);
  void FinishMove();
  void TellDisplaced(uint64_t slot);

  // Making room: eviction.cc.
  std::optional<Place> MakeRoom(Queue queue, uint64_t bytes);
  bool FreeSome(uint64_t bytes, Survivors survivors);
  bool CompactSegment(uint64_t bytes);
  void Recycle(uint32_t segment, Survivors survivors);
  bool EvictItems(uint32_t segment, Survivors survivors);
  void EvictItem(const KeyHash& hash, const Entry& entry, Survivors survivors);
  bool Survives(const Entry& entry, Survivors survivors) const;
  bool Rewrite(const KeyHash& hash, const Entry& entry);
  bool IsListenedTo() const {
    return eviction_listener_ != nullptr && eviction_listener_->Listens();
  }
  void TellEvicted(const Entry& entry);

  // A limit below what there is: memory_limit.cc.
  void ApproachLimit();

  Shard shard_;
  Superblock& superblock_;
  UnixClock clock_;
  SegmentLog log_;
  SlotIndex index_;
  Ghost ghost_;
  OpenReport report_;
  StoreCounters counters_;
  bool never_evicts_ = false;
  uint32_t to_hold_ = 0;  // Segments that are not to be filled, once they are free.
  std::vector<std::span<std::byte>> given_up_;
  EvictionListener* eviction_listener_ = nullptr;

  uint64_t seed_ = 0;
  uint32_t now_s_ = 0;
  uint64_t heartbeat_ = 0;
  uint64_t last_cas_ = 0;
  uint64_t cas_limit_ = 0;  // CAS numbers up to it are set aside in the superblock.
  uint64_t flush_cas_ = 0;
  uint32_t flush_at_s_ = 0;  // 0: no flush is due.
  std::string scratch_;      // The old value of what is being changed.
};

}  // namespace tombolo::kvcache

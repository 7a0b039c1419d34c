// Reader: reads a shard that somebody else owns. It only loads: a mapping for reading is enough,
// the owner never learns of it, and no number of readers slows another one down.
//
//   Get:   slot -> generation -> header, key -> value is copied -> generation, slot, epoch again
//
// If any of the three has changed, the copy is thrown away and all is done once more, at most
// kMaxAttempts times: then the owner has to be asked. There is no state in which a reader waits for
// the owner, so an owner who dies at any moment leaves every reader with answers.
//
// A hit allocates nothing, takes no lock and makes no system call (the clock is the kernel's coarse
// one, which is read from its page). What the memory says is checked before it is used: whatever
// others write there, a reader stays within it and comes back. That the bytes are the owner's it
// can only promise where nobody else can write them.
//
// Not thread-safe: one per thread, with counters of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "kvcache/shard/item_bytes.h"
#include "kvcache/shard/key_hash.h"
#include "kvcache/shard/shard_parts.h"
#include "transport/layout/shared_word.h"

namespace tombolo::kvcache {

// Keys of a GetMany() whose lines are on their way at the same time, and that share a look at the
// owner's heartbeat, after all of them.
inline constexpr size_t kReadBatch = 16;

inline constexpr int kMaxAttempts = 9;  // The first one, and eight more.

enum class ReadResult {
  kHit,
  kMiss,
  kTooSmall,   // It is there, but the buffer is too small: Found says for what.
  kAskOwner,   // It changes too fast, or the shard is being formatted.
  kOwnerGone,  // Nothing proves that its heart beats: nobody tells the time (OwnerIsAlive).
};

inline constexpr int64_t kOwnerStaleNs = int64_t{1'000'000'000};

struct Found {
  uint32_t value_bytes = 0;
  uint32_t flags = 0;
  uint32_t expiry_s = 0;  // Unix time; 0: never.
  uint64_t cas = 0;
  uint16_t marks = 0;  // Of the item (kvcache/layout/item.h).
  uint64_t slot = 0;   // For a hit mark: Store::Touched().
  uint32_t shard = 0;  // Of a memory file.
};

struct ReaderCounters {
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t retries = 0;    // Copies that were thrown away.
  uint64_t fallbacks = 0;  // kAskOwner.
  uint64_t reattached = 0;
};

// Nanoseconds of a clock that only grows.
using ClockNs = int64_t (*)();
int64_t CoarseMonotonicNs();

// A value in place: the bytes may change at any moment. Whoever has used them asks StillValid();
// if it says no, what was read may be bytes of anything, and what was made of it is thrown away. So
// nothing that cannot be taken back is done with them before, and no length or index among them is
// used unchecked. It may say no although the value is as it was: its item has moved. Why nobody is
// kept from changing them: docs/adr/0017-a-view-has-no-lease.md.
struct View {
  std::span<const std::byte> value;
  Found found;

  struct Token {
    uint64_t slot_word = 0;  // 0: the value is in private memory (Client::Look).
    uint64_t epoch = 0;
    uint32_t segment = 0;
    uint32_t generation = 0;
  } token;
};

struct ManyAnswer {
  ReadResult result = ReadResult::kMiss;
  Found found;
  std::string value;
};

class Reader {
 public:
  // Of a key, for the reader that has made it.
  struct Hint {
    KeyHash hash;
    uint64_t epoch;      // Of the shard whose seed the hash has.
    uint32_t slots = 0;  // Those of both buckets that PrefetchItem() met with its tag, a bit each.
  };

  // `memory` must outlive it. FailedPrecondition: there is no shard, or its owner is just making
  // one. DataLoss: what is there is no shard that this reader understands. InvalidArgument: the
  // memory is smaller than a superblock's page or not aligned to 64 bytes.
  static absl::StatusOr<Reader> Attach(std::span<const std::byte> memory,
                                       ClockNs clock = CoarseMonotonicNs);

  // Copies the value to the beginning of `buffer`.
  ReadResult Get(std::string_view key, std::span<std::byte> buffer, Found& found);

  // The same to a string, which grows if it has to.
  ReadResult Get(std::string_view key, std::string& value, Found& found);

  // The same for a key of which PrefetchBuckets() has given `hint`.
  ReadResult Get(std::string_view key, const Hint& hint, std::string& value, Found& found);

  // The same without the value.
  ReadResult Describe(std::string_view key, Found& found);

  // As many Get()s, whose cache misses overlap. `answers` has the size of `keys`.
  void GetMany(std::span<const std::string_view> keys, std::span<ManyAnswer> answers);

  // No copy. kAskOwner on processors that may reorder loads (all but x86-64).
  ReadResult Look(std::string_view key, View& view);
  bool StillValid(const View& view) const;

  // As far as its heartbeat tells: whether that was seen to change, by two looks no farther apart
  // than kOwnerStaleNs, no longer ago than that. So after attaching, and after a longer pause, it
  // is not taken for alive before the next beat, which comes within half a second. What is read of
  // an owner that was killed is two seconds older at most than what it would have said.
  bool OwnerIsAlive();

  // It has just been heard of by other means: it has answered, or it is this process. As good as a
  // beat that was seen to change; but one beat is believed once, so that an owner who answers and
  // tells no time is not.
  void OwnerWasHeard();

  // Makes the lines that Get() will need come nearer: first the buckets of several keys, then the
  // items of all of them. What is wrong here costs time and nothing else.
  Hint PrefetchBuckets(std::string_view key) const;
  void PrefetchItem(Hint& hint) const;

  // The largest item with its header.
  uint32_t ItemMaxBytes() const { return static_cast<uint32_t>(shard_.Shape().item_max_bytes); }

  // The owner's time, in seconds of Unix time.
  uint32_t NowS() const { return LoadMoment().now_s; }

  const ReaderCounters& Counters() const { return counters_; }

 private:
  enum class Attempt { kHit, kMiss, kTooSmall, kRetry, kReattach };

  // What the owner says of the shard at one moment.
  struct Moment {
    uint64_t epoch = 0;
    uint64_t flush_cas = 0;
    uint32_t now_s = 0;
  };

  // A slot that may lead to the key, and what was true before anything was read there.
  struct Candidate {
    uint64_t slot = 0;
    uint64_t word = 0;
    Place place = {};
    uint32_t generation = 0;
    ItemHeader header = {};
  };

  Reader(std::span<const std::byte> memory, ClockNs clock) : memory_(memory), clock_(clock) {}

  Hint HintOf(std::string_view key) const { return {KeyHash(key, seed_), epoch_}; }
  absl::Status Load();
  Moment LoadMoment() const;
  uint64_t LoadHeartbeat() const;
  void Believe(uint64_t heartbeat, int64_t now_ns);
  const SharedU64& WordOf(uint64_t slot) const;
  uint32_t SlotsWithTag(uint64_t bucket, uint16_t tag) const;
  bool IsUnchanged(const Candidate& candidate, uint64_t epoch) const;

  // `Take(candidate, from)` copies the value; false: no room.
  template <typename Take>
  ReadResult Read(std::string_view key, Found& found, Take take);
  template <typename Take>
  ReadResult Find(std::string_view key, Hint hint, Found& found, Take take);
  ReadResult FindTo(std::string_view key, const Hint& hint, std::string& value, Found& found);
  template <typename Take>
  Attempt Scan(std::string_view key, const KeyHash& hash, Found& found, Take& take);
  template <typename Take>
  Attempt TryHinted(std::string_view key, const Hint& hint, Found& found, Take& take);
  template <typename Take>
  Attempt TrySlot(std::string_view key, uint16_t tag, uint64_t slot, const Moment& moment,
                  Found& found, Take& take);
  template <typename Take>
  Attempt Copy(std::string_view key, Candidate& candidate, const Moment& moment, Found& found,
               Take& take);
  ReadResult Proven(ReadResult found);
  ReadResult Counted(ReadResult found);

  std::span<const std::byte> memory_;
  ClockNs clock_;
  ShardView shard_;
  uint64_t seed_ = 0;
  uint64_t epoch_ = 0;
  uint64_t heartbeat_ = 0;    // As last seen,
  int64_t looked_at_ns_ = 0;  // and when that was.
  std::optional<uint64_t> believed_heartbeat_;
  int64_t alive_until_ns_ = INT64_MIN;
  ReaderCounters counters_;
};

}  // namespace tombolo::kvcache

// What readers elsewhere and the owner of a cache say to each other over a byte stream: a header of
// fixed size, and after it a key, a value or both. docs/kvcache_owner_protocol.md explains it.
//
//   reader -> owner   OwnerRequestHeader, key_bytes of key, value_bytes of value
//   owner -> reader   OwnerReplyHeader, value_bytes of value
//
// The first request says hello. Replies come in the order of their requests and repeat their
// numbers; kTouched has none. Little-endian. What an operation does not use is 0: whoever gets
// anything else ends the connection, because nobody knows what it means.
//
// The shape of hello, of its reply and of a refusal never changes; for anything else to change, the
// version does.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace tombolo::kvcache {

static_assert(std::endian::native == std::endian::little);

inline constexpr uint64_t kOwnerProtocolMagic = 0x52454e574f4b5401;  // "\1TKOWNER"
inline constexpr uint32_t kOwnerProtocolVersion = 1;
inline constexpr size_t kMaxTouchedSlots = 64;
inline constexpr size_t kMaxRefusalBytes = 1024;

enum class OwnerOp : uint8_t {
  kHello = 1,    // Value: OwnerHello. The reply's: OwnerHelloReply.
  kVisit = 2,    // VisitRequest, and with that all that only reads.
  kPut = 3,      // PutRequest.
  kCount = 4,    // CountRequest.
  kRemove = 5,   // RemoveRequest.
  kFlush = 6,    // FlushAll(exptime).
  kFacts = 7,    // The reply's value: OwnerFacts.
  kTouched = 8,  // Value: 1 to kMaxTouchedSlots times TouchedSlot(). No reply.
};

// Bits of OwnerRequestHeader::flags.
inline constexpr uint16_t kHasCas = 1 << 0;
inline constexpr uint16_t kHasExptime = 1 << 1;
inline constexpr uint16_t kHasWinsBefore = 1 << 2;
inline constexpr uint16_t kMakes = 1 << 3;
inline constexpr uint16_t kWantsValue = 1 << 4;
inline constexpr uint16_t kCountsAsUse = 1 << 5;
inline constexpr uint16_t kWinsStale = 1 << 6;
inline constexpr uint16_t kComparesNew = 1 << 7;
inline constexpr uint16_t kTakesOlder = 1 << 8;
inline constexpr uint16_t kIsDown = 1 << 9;
inline constexpr uint16_t kLeavesStale = 1 << 10;

struct OwnerRequestHeader {
  uint8_t op = 0;
  uint8_t mode = 0;  // A PutMode.
  uint16_t flags = 0;
  uint8_t key_bytes = 0;
  uint8_t reserved0 = 0;
  uint16_t marks = 0;  // Of what is put or made.
  uint32_t value_bytes = 0;
  uint32_t item_flags = 0;  // The client's.
  uint64_t number = 0;      // Chosen by the reader.
  uint64_t cas = 0;
  int64_t exptime = 0;
  int64_t wins_before = 0;
  int64_t made_exptime = 0;
  uint64_t delta = 0;
  uint64_t initial = 0;
};

static_assert(sizeof(OwnerRequestHeader) == 72);
static_assert(offsetof(OwnerRequestHeader, flags) == 2);
static_assert(offsetof(OwnerRequestHeader, key_bytes) == 4);
static_assert(offsetof(OwnerRequestHeader, marks) == 6);
static_assert(offsetof(OwnerRequestHeader, value_bytes) == 8);
static_assert(offsetof(OwnerRequestHeader, item_flags) == 12);
static_assert(offsetof(OwnerRequestHeader, number) == 16);
static_assert(offsetof(OwnerRequestHeader, cas) == 24);
static_assert(offsetof(OwnerRequestHeader, exptime) == 32);
static_assert(offsetof(OwnerRequestHeader, wins_before) == 40);
static_assert(offsetof(OwnerRequestHeader, made_exptime) == 48);
static_assert(offsetof(OwnerRequestHeader, delta) == 56);
static_assert(offsetof(OwnerRequestHeader, initial) == 64);

// Values of OwnerReplyHeader::result beside those of StoreResult.
inline constexpr uint8_t kReplyNotAllowed = 64;  // By the owner's operator.
inline constexpr uint8_t kReplyRefused = 65;     // The value says why. It is the end.

// Bits of OwnerReplyHeader::flags.
inline constexpr uint8_t kReplyIsNew = 1 << 0;
inline constexpr uint8_t kReplyIsWon = 1 << 1;

struct OwnerReplyHeader {
  uint8_t result = 0;  // A StoreResult, or one of the above.
  uint8_t flags = 0;
  uint16_t marks = 0;
  uint32_t value_bytes = 0;  // That follow.
  uint64_t number = 0;
  uint64_t cas = 0;
  uint64_t count = 0;             // The new number of kCount.
  uint32_t item_flags = 0;        // The client's.
  uint32_t expiry_s = 0;          // Unix time; 0: never.
  uint32_t item_value_bytes = 0;  // Also when the value was not asked for.
  uint32_t now_s = 0;             // The owner's time.
};

static_assert(sizeof(OwnerReplyHeader) == 48);
static_assert(offsetof(OwnerReplyHeader, marks) == 2);
static_assert(offsetof(OwnerReplyHeader, value_bytes) == 4);
static_assert(offsetof(OwnerReplyHeader, number) == 8);
static_assert(offsetof(OwnerReplyHeader, cas) == 16);
static_assert(offsetof(OwnerReplyHeader, count) == 24);
static_assert(offsetof(OwnerReplyHeader, item_flags) == 32);
static_assert(offsetof(OwnerReplyHeader, expiry_s) == 36);
static_assert(offsetof(OwnerReplyHeader, item_value_bytes) == 40);
static_assert(offsetof(OwnerReplyHeader, now_s) == 44);

struct OwnerHello {
  uint64_t magic = 0;
  uint32_t version = 0;
  uint32_t reserved0 = 0;
};

static_assert(sizeof(OwnerHello) == 16);

// By `file_bytes`, `shard_count` and `shard_seed` a reader knows whether it maps this cache.
struct OwnerHelloReply {
  uint64_t magic = 0;
  uint32_t version = 0;
  uint32_t shard_count = 0;
  uint64_t file_bytes = 0;
  uint64_t shard_seed = 0;
  uint32_t item_max_bytes = 0;
  uint32_t reserved0 = 0;
};

static_assert(sizeof(OwnerHelloReply) == 40);

// BackendFacts.
struct OwnerFacts {
  uint64_t items = 0;
  uint64_t bytes = 0;
  uint64_t limit_bytes = 0;
  uint64_t segment_bytes = 0;
  uint64_t item_max_bytes = 0;
  uint64_t evicted_items = 0;
  uint64_t expired_items = 0;
  uint64_t flushed_items = 0;
};

static_assert(sizeof(OwnerFacts) == 64);

// A slot of a shard, as kTouched tells it: there are fewer than 2^40 in each.
constexpr uint64_t TouchedSlot(uint32_t shard, uint64_t slot) {
  return uint64_t{shard} << 40 | slot;
}
constexpr uint32_t ShardOfTouched(uint64_t touched) { return static_cast<uint32_t>(touched >> 40); }
constexpr uint64_t SlotOfTouched(uint64_t touched) { return touched & ((uint64_t{1} << 40) - 1); }

}  // namespace tombolo::kvcache

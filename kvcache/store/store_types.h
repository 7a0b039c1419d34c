// What a store is asked and what it answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tombolo::kvcache {

// What may be counted is not longer, blanks after it included. So counting costs little.
inline constexpr uint32_t kMaxNumberBytes = 1024;

// The numbers go over streams too (kvcache/remote/owner_wire.h): they stay.
enum class StoreResult : uint8_t {
  kStored = 0,
  kNotStored = 1,   // Add: it exists; Replace, Append, Prepend: it does not.
  kExists = 2,      // It was changed since the CAS number that was given.
  kNotFound = 3,    // Cas, Count, Remove, Visit.
  kDone = 4,        // Remove, Visit.
  kBadKey = 5,      // Empty, or over kMaxKeyBytes.
  kTooLarge = 6,    // Over item_max_bytes.
  kNoMemory = 7,    // No segment could be freed.
  kNotANumber = 8,  // Count: the value is no decimal number below 2^64, or over kMaxNumberBytes.
};

struct StoreAnswer {
  StoreResult result = StoreResult::kNotFound;
  uint64_t cas = 0;       // Of the item that was stored.
  uint64_t number = 0;    // Count: the new one.
  uint32_t expiry_s = 0;  // Count: of the item, before it got another.
  bool is_new = false;    // Count, Visit: there was none, and one was made.
  bool is_won = false;    // Visit: whoever asked is the one to write the item anew.
};

struct StoredValue {
  std::string value = {};
  uint32_t value_bytes = 0;  // Also when the value was not asked for.
  uint32_t flags = 0;
  uint32_t expiry_s = 0;  // Unix time; 0: never.
  uint64_t cas = 0;
  uint16_t marks = 0;  // As they were before this access.
};

// How far a step of a walk through all items came (Store::Walk).
enum class WalkStep { kItem, kNothingYet, kEnd };

// Whether an access makes the item stay longer.
enum class GetUse { kCounts, kPeeks };

// Numbers as those of StoreResult.
enum class PutMode : uint8_t {
  kSet = 0,
  kAdd = 1,
  kReplace = 2,
  kCas = 3,
  kAppend = 4,
  kPrepend = 5,
};

struct PutRequest {
  PutMode mode = PutMode::kSet;
  std::string_view key = {};
  std::string_view value = {};
  uint32_t flags = 0;   // Not of kAppend and kPrepend, which keep flags and expiry.
  int64_t exptime = 0;  // As in ExpiryOf().
  // kCas: the number that the item must have. kAppend, kPrepend: the same, unless it is 0.
  uint64_t cas = 0;
  // kCas: an older number is good too; the item is then stale, and its expiry stays.
  bool takes_older = false;
  uint16_t marks = 0;
};

// Up wraps at 2^64, down stops at 0. A shorter number is filled up with blanks to the length of the
// one before.
struct CountRequest {
  std::string_view key = {};
  bool is_down = false;
  uint64_t delta = 1;
  uint64_t cas = 0;                     // What the item must have, unless it is 0.
  std::optional<int64_t> exptime = {};  // What it is to have from now on.
  // An item that is not there is made, with this number and this expiry.
  std::optional<uint64_t> initial = {};
  int64_t initial_exptime = 0;
};

struct RemoveRequest {
  std::string_view key = {};
  std::optional<uint64_t> cas = {};  // What the item must have.
  // The item stays, marked stale, with a new CAS number and, if that is given, a new expiry.
  bool leaves_stale = false;
  std::optional<int64_t> exptime = {};
};

// Looks at an item and changes it in place, in one moment for everybody else; its CAS number stays
// as it is. What is seen is how it was before.
struct VisitRequest {
  std::string_view key = {};
  bool wants_value = true;
  GetUse use = GetUse::kPeeks;
  std::optional<int64_t> exptime = {};  // What it is to have from now on.
  // It is won, unless it was before: when it is stale; when it expires before `wins_before`, and
  // not never. `compares_new`: it is `exptime` that is compared with that.
  bool wins_stale = false;
  std::optional<int64_t> wins_before = {};
  bool compares_new = false;
  // An item that is not there is made, empty and won, with this expiry and these marks.
  std::optional<int64_t> makes = {};
  uint16_t new_marks = 0;
};

}  // namespace tombolo::kvcache

// Reading a record of the member table, which the daemon may be changing: the same for all of them,
// whose identity is stored last when a record is filled and first when it is emptied
// (transport/layout/member_table.h).
#pragma once

#include <string.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>

namespace tombolo {

inline constexpr int kSnapshotAttempts = 8;

// What `read(identity)` makes of the rest of the record, an optional: nothing when that says so, or
// when the record kept changing.
template <typename Record, typename Read>
std::invoke_result_t<Read, uint64_t> ReadSnapshot(const Record& record, const Read& read) {
  for (int attempt = 0; attempt < kSnapshotAttempts; ++attempt) {
    // Acquire: pairs with the daemon's release store of identity, so the rest is that occupation's.
    const uint64_t identity = record.identity.load(std::memory_order_acquire);
    auto info = read(identity);
    // An acquire read-modify-write would order the loads above before it; instead the identity is
    // loaded again with seq_cst, and the daemon stores it before it touches anything else of the
    // record.
    if (!info || record.identity.load(std::memory_order_seq_cst) == identity) return info;
  }
  return std::nullopt;
}

// The zero-padded name of a record, within ReadSnapshot().
template <typename Record>
std::string ReadName(const Record& record) {
  char bytes[sizeof(record.name) + 1] = {};
  for (size_t i = 0; i < sizeof(record.name) / sizeof(uint64_t); ++i) {
    const uint64_t word = record.name[i].load(std::memory_order_relaxed);
    memcpy(bytes + i * sizeof(word), &word, sizeof(word));
  }
  return bytes;
}

}  // namespace tombolo

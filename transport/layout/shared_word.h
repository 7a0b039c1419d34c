// SharedWord: the atomic types of which everything in the region is made, and the one way to read
// what others may be writing.
//
// Its functions are those of std::atomic that we use, and cost the same; but the memory order is
// never implied, and no two loads are one: whoever checks a value has loaded it once, into a local.
// A build with TOMBOLO_HOSTILE_LOADS makes every load ask hostile_source.h, so that the fuzzer is
// the peer that changes each word at each moment.
#pragma once

#include <atomic>
#include <cstdint>

#include "transport/layout/hostile_source.h"

namespace tombolo {

template <typename T>
class SharedWord {
 public:
  // Zeroed, as memory of a new region is.
  SharedWord() = default;
  SharedWord(const SharedWord&) = delete;
  SharedWord& operator=(const SharedWord&) = delete;

  T load(std::memory_order order) const { return Seen(word_.load(order)); }

  void store(T value, std::memory_order order) { word_.store(value, order); }

  bool compare_exchange_strong(T& expected, T desired, std::memory_order success,
                               std::memory_order failure) {
    if (word_.compare_exchange_strong(expected, desired, success, failure)) return true;
    expected = Seen(expected);
    return false;
  }

  // Each gives what the word held before.
  T exchange(T value, std::memory_order order) { return Seen(word_.exchange(value, order)); }
  T fetch_add(T value, std::memory_order order) { return Seen(word_.fetch_add(value, order)); }
  T fetch_and(T value, std::memory_order order) { return Seen(word_.fetch_and(value, order)); }
  T fetch_or(T value, std::memory_order order) { return Seen(word_.fetch_or(value, order)); }
  T fetch_xor(T value, std::memory_order order) { return Seen(word_.fetch_xor(value, order)); }

 private:
  std::atomic<T> word_ = 0;

  static_assert(std::atomic<T>::is_always_lock_free && sizeof(std::atomic<T>) == sizeof(T));
};

using SharedU8 = SharedWord<uint8_t>;    // Inboxes only: one byte per sender.
using SharedU16 = SharedWord<uint16_t>;  // Halves of a link's first words only.
using SharedU32 = SharedWord<uint32_t>;
using SharedU64 = SharedWord<uint64_t>;

static_assert(sizeof(SharedU8) == 1 && sizeof(SharedU16) == 2);
static_assert(sizeof(SharedU32) == 4 && sizeof(SharedU64) == 8);

}  // namespace tombolo

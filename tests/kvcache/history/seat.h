// Seat: what one client of a cache has done, in memory that it shares with the test. Its process
// may be killed at any instruction; the next one goes on in the same seat. Zeros are an empty seat.
//
// An operation that changes something is noted before it is begun, and again when it was answered;
// a read when it was answered. What a seat holds is read when nobody sits there.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "tests/kvcache/history/register_checker.h"

namespace tombolo::kvcache {

struct Seat {
  struct Note {
    Operation operation;
    uint32_t key;
  };

  static constexpr size_t kNotes = 1'000'000;

  std::atomic<uint64_t> steps;     // Operations that have ended, well or not.
  std::atomic<uint64_t> errors;    // Those for which the owner was not there.
  std::atomic<uint64_t> torn;      // Reads of what nobody has written.
  std::atomic<uint64_t> versions;  // Written so far.
  std::atomic<size_t> count;       // Of notes.
  std::array<Note, kNotes> notes;

  bool IsFull() const { return count.load(std::memory_order_relaxed) == kNotes; }

  Note& Add(const Note& note) {
    const size_t index = count.load(std::memory_order_relaxed);
    notes[index] = note;
    // Release: whoever is killed leaves whole notes only. The test waits for its death.
    count.store(index + 1, std::memory_order_release);
    return notes[index];
  }
};

}  // namespace tombolo::kvcache

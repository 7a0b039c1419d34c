// RegisterChecker: whether what clients saw of one key can be explained: whether all operations can
// be put into one order, in which each lies between its begin and its end, and which a register
// obeys: a read finds what was written last, or nothing after it was deleted or evicted.
//
// Eviction may happen at any moment, so a read that finds nothing is always good by itself; it is
// the end of what was there, as a delete is. So a value that is found before and after something
// else was there, or nothing was, is a violation, and so is one that is older than what was
// acknowledged before the read.
//
// Each write has a version of its own. So which write a read belongs to is known, and the question
// is one of intervals, answered in n log n steps and not by trying orders (Gibbons and Korach,
// "Testing shared memories", 1997): a write and its reads, a group, come one after the
// other without anything in between. Of two groups, A has to come before B if something of A ends
// before something of B begins; no two may both have to come before the other.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>

namespace tombolo::kvcache {

// Of an operation that was not answered: it may have been run, at any time after its begin, or not.
inline constexpr int64_t kUnanswered = std::numeric_limits<int64_t>::max();

struct Operation {
  enum class Kind : uint8_t {
    kWrite,
    kRead,   // It has found something.
    kClear,  // A delete, or a read that has found nothing.
  };

  Kind kind = Kind::kClear;
  uint64_t version = 0;  // Of what was written or found.
  int64_t begin_ns = 0;
  int64_t end_ns = kUnanswered;  // Reads have an end.
};

// Why no order explains the operations of one key; empty when one does.
std::string WhyImpossible(std::span<const Operation> operations);

}  // namespace tombolo::kvcache

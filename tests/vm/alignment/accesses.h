// Accesses to memory: those that programs make without a thought, and our copy routines.
#pragma once

#include <cstddef>
#include <span>

#include "transport/base/memory_type.h"

namespace tombolo::alignment {

// Bytes of the memory that are written; they begin at a page.
inline constexpr size_t kScratchBytes = size_t{16} << 10;

struct Access {
  const char* name;
  void (*run)(std::byte* at);
};

// The compiler's and the C library's.
std::span<const Access> PlainAccesses();

// Copies in and out with the routines for `type`, and zeroes, at each offset within two words and
// with lengths up to some words and around a page; compares what it has copied, and what lies
// beside it. False: a byte was wrong.
bool CopiesAreRight(MemoryType type, std::byte* scratch);

}  // namespace tombolo::alignment

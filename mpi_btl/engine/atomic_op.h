// Atomic operations on memory that others operate on at the same time, in the region or private:
// all are done by the processor, so those of peers, of this process and of its own program do not
// tear each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace tombolo::mpi {

enum class AtomicOp : uint32_t {
  kAdd = 1,
  kAnd = 2,
  kOr = 3,
  kXor = 4,
  kSwap = 5,
  kCompareSwap = 6,
};

// Operates on the `width_bytes` (4 or 8) at `address`, which has them, and gives what was there
// before. `expected`: of kCompareSwap. Nothing, and nothing is done, when the width or the
// operation does not exist or the address is not aligned to the width. Memory ordering: acquire and
// release, against all other operations on the same word.
std::optional<uint64_t> ApplyAtomic(std::byte* address, AtomicOp op, uint64_t width_bytes,
                                    uint64_t operand, uint64_t expected);

}  // namespace tombolo::mpi

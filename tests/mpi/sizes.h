// The message sizes that are worth a test: protocols switch at powers of two, less the length of
// some header.
#pragma once

#include <cstddef>
#include <vector>

namespace tombolo::mpi_check {

inline constexpr size_t kLargestBytes = size_t{4} << 20;

// Every size up to 2,200 bytes, every size close to a limit up to 64 KiB, and the neighbours of the
// powers of two up to kLargestBytes; ascending, each once.
std::vector<size_t> AllSizes();

// A few on each side of every switch, up to `largest_bytes`; ascending, each once.
std::vector<size_t> SwitchSizes(size_t largest_bytes = kLargestBytes);

}  // namespace tombolo::mpi_check

// What becomes of a buffer that a request has filled.
#pragma once

#include <cstddef>
#include <string>

namespace tombolo::kvcache {

inline constexpr size_t kKeptBytes = 4096;  // Memory for more is not kept for the next request.

// Empties it. Most connections wait for their clients most of the time, and what a large request
// took is not to wait with them.
// SUBTLE: by a swap. `bytes = {}` empties a string and keeps its memory.
inline void GiveBack(std::string& bytes) {
  bytes.clear();
  if (bytes.capacity() > kKeptBytes) std::string().swap(bytes);
}

}  // namespace tombolo::kvcache

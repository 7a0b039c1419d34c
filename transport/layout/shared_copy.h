// Copies of structs that lie in payloads, where a peer may be writing at the same time: each byte
// is read once, so what was checked in the copy is what is used.
//
// SUBTLE: memcpy does not promise that. The compiler may read the source again where the copy is
// used, since it sees nobody who writes it in between; relaxed atomic loads it may not repeat.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "transport/layout/shared_word.h"

namespace tombolo {

// Copies whole words from `from` to `to`. Whole words are also what memory mapped as a device
// insists on; only where a hostile peer's descriptor led to an odd address are they put together
// from bytes. Memory ordering: relaxed; whoever says that the payload is there orders it.
inline void CopySharedWords(const std::byte* from, uint64_t* to, size_t words) {
  // SAFETY: Seen as a SharedU64 only where it is aligned to one, as a SharedU8 anywhere.
  if (reinterpret_cast<uintptr_t>(from) % alignof(SharedU64) == 0) {
    const auto* source = reinterpret_cast<const SharedU64*>(from);
    for (size_t i = 0; i < words; ++i) to[i] = source[i].load(std::memory_order_relaxed);
    return;
  }
  const auto* source = reinterpret_cast<const SharedU8*>(from);
  for (size_t i = 0; i < words; ++i) {
    to[i] = 0;
    for (size_t byte = 0; byte < sizeof(uint64_t); ++byte, ++source) {
      to[i] |= uint64_t{source->load(std::memory_order_relaxed)} << (8 * byte);
    }
  }
}

// A copy of the T at `from`, which has sizeof(T) bytes of the region from there on.
template <typename T>
T CopyShared(const std::byte* from) {
  constexpr size_t kWordBytes = 8;
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % kWordBytes == 0);
  std::array<uint64_t, sizeof(T) / kWordBytes> words;
  CopySharedWords(from, words.data(), words.size());
  return std::bit_cast<T>(words);
}

}  // namespace tombolo

#include "transport/region/region_copy.h"

#include <string.h>

#include <algorithm>
#include <cstdint>

#include "transport/layout/shared_word.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace tombolo {
namespace {

size_t BytesToAlignment(const std::byte* address, size_t alignment) {
  return (alignment - reinterpret_cast<uintptr_t>(address) % alignment) % alignment;
}

// One access to the region each; the private side may lie anywhere.
// SAFETY: Copy() aligns the region's side to the word.
template <typename T>
struct Word {
  static constexpr size_t kBytes = sizeof(T);
  using Shared = SharedWord<T>;

  static void Out(std::byte* to, const std::byte* from) {
    // Relaxed: what orders the copy are the words that told of it.
    const T word = reinterpret_cast<const Shared*>(from)->load(std::memory_order_relaxed);
    memcpy(to, &word, sizeof(word));
  }
  static void In(std::byte* to, const std::byte* from) {
    T word;
    memcpy(&word, from, sizeof(word));
    reinterpret_cast<Shared*>(to)->store(word, std::memory_order_relaxed);
  }
};

#if defined(__SSE2__)
struct WideWord {
  static constexpr size_t kBytes = sizeof(__m128i);

  static void Out(std::byte* to, const std::byte* from) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                     _mm_load_si128(reinterpret_cast<const __m128i*>(from)));
  }
  static void In(std::byte* to, const std::byte* from) {
    _mm_store_si128(reinterpret_cast<__m128i*>(to),
                    _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  }
};
#else
using WideWord = Word<uint64_t>;
#endif

struct Out {
  template <typename W>
  static void Copy(std::byte* to, const std::byte* from) {
    W::Out(to, from);
  }
  static const std::byte* RegionSide(const std::byte*, const std::byte* from) { return from; }
};

struct In {
  template <typename W>
  static void Copy(std::byte* to, const std::byte* from) {
    W::In(to, from);
  }
  static const std::byte* RegionSide(const std::byte* to, const std::byte*) { return to; }
};

// Bytes up to an aligned word of the region, then words, then bytes.
template <typename Direction, typename W>
void Copy(std::byte* to, std::span<const std::byte> from) {
  using Byte = Word<uint8_t>;
  const std::byte* source = from.data();
  size_t left = from.size();
  size_t head = std::min(left, BytesToAlignment(Direction::RegionSide(to, source), W::kBytes));
  left -= head;
  for (; head != 0; --head) Direction::template Copy<Byte>(to++, source++);
  for (; left >= W::kBytes; left -= W::kBytes, to += W::kBytes, source += W::kBytes) {
    Direction::template Copy<W>(to, source);
  }
  for (; left != 0; --left) Direction::template Copy<Byte>(to++, source++);
}

template <typename Direction>
void CopyAs(MemoryType type, std::byte* to, std::span<const std::byte> from) {
  switch (type) {
    case MemoryType::kWriteBack:
      if (!from.empty()) memcpy(to, from.data(), from.size());
      return;
    case MemoryType::kWriteCombining:
    case MemoryType::kUncached:
      return Copy<Direction, WideWord>(to, from);
    case MemoryType::kDevice:
      return Copy<Direction, Word<uint64_t>>(to, from);
  }
}

}  // namespace

void CopyOut(MemoryType type, std::byte* to, std::span<const std::byte> from) {
  CopyAs<Out>(type, to, from);
}

void CopyIn(MemoryType type, std::byte* to, std::span<const std::byte> from) {
  CopyAs<In>(type, to, from);
}

void Zero(MemoryType type, std::span<std::byte> to) {
  static constexpr std::byte kZeros[4096] = {};
  for (size_t done = 0; done < to.size(); done += sizeof(kZeros)) {
    const size_t bytes = std::min(sizeof(kZeros), to.size() - done);
    CopyIn(type, to.data() + done, {kZeros, bytes});
  }
}

}  // namespace tombolo

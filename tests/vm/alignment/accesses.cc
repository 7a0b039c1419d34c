#include "tests/vm/alignment/accesses.h"

#include <string.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "transport/region/region_copy.h"

namespace tombolo::alignment {
namespace {

// What the compiler takes for an access that may lie anywhere.
struct [[gnu::packed]] LooseWord {
  uint64_t value;
};

// The C library's memcpy, behind what the compiler cannot look: it would make accesses of its own.
std::atomic<void* (*)(void*, const void*, size_t)> library_copy = memcpy;

void Copy(std::byte* to, const std::byte* from, size_t bytes) {
  // Relaxed: nobody changes it.
  library_copy.load(std::memory_order_relaxed)(to, from, bytes);
}

std::array<std::byte, 4096> ours;

void AlignedWord(std::byte* at) {
  auto* word = reinterpret_cast<std::atomic<uint64_t>*>(at);
  // Relaxed: nobody else is there.
  word->store(word->load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

void AtomicAdd(std::byte* at) {
  // Relaxed: nobody else is there.
  reinterpret_cast<std::atomic<uint64_t>*>(at)->fetch_add(1, std::memory_order_relaxed);
}

void CompareAndSwap(std::byte* at) {
  uint64_t expected = 0;
  // Relaxed: nobody else is there.
  reinterpret_cast<std::atomic<uint64_t>*>(at)->compare_exchange_strong(expected, 1,
                                                                        std::memory_order_relaxed);
}

void UnalignedStore(std::byte* at) { reinterpret_cast<LooseWord*>(at + 1)->value = 1; }

void UnalignedLoad(std::byte* at) {
  // What is loaded is kept, or it would not be.
  const uint64_t seen = reinterpret_cast<LooseWord*>(at + 4)->value;
  memcpy(ours.data(), &seen, sizeof(seen));
}

void CopyPage(std::byte* at) { Copy(at, ours.data(), ours.size()); }
void CopyThirteen(std::byte* at) { Copy(at, ours.data(), 13); }
void CopyHundredOut(std::byte* at) { Copy(ours.data(), at + 3, 100); }

constexpr Access kPlain[] = {
    {"aligned word", AlignedWord},        {"atomic add", AtomicAdd},
    {"compare and swap", CompareAndSwap}, {"unaligned store", UnalignedStore},
    {"unaligned load", UnalignedLoad},    {"memcpy of 4096", CopyPage},
    {"memcpy of 13", CopyThirteen},       {"memcpy of 100 at 3", CopyHundredOut},
};

constexpr size_t kOffsets = 17;
constexpr size_t kShortBytes = 70;
constexpr size_t kPages[] = {4095, 4096, 4097, 8191};
constexpr auto kMark = std::byte{0xa5};

std::byte Pattern(size_t index) { return static_cast<std::byte>(index * 7 + 1); }

bool AreAll(std::span<const std::byte> bytes, std::byte expected) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [expected](std::byte byte) { return byte == expected; });
}

// There and back, between two marks that must stay.
bool IsRight(MemoryType type, std::byte* scratch, size_t offset, size_t bytes) {
  const size_t around = offset + bytes + sizeof(uint64_t);
  const std::vector<std::byte> marks(around, kMark);
  CopyIn(type, scratch, marks);
  std::vector<std::byte> sent(bytes);
  for (size_t i = 0; i < bytes; ++i) sent[i] = Pattern(i);
  CopyIn(type, scratch + offset, sent);
  std::vector<std::byte> back(around);
  CopyOut(type, back.data(), {scratch, around});
  const std::span<const std::byte> all(back);
  if (!std::equal(sent.begin(), sent.end(), all.begin() + static_cast<ptrdiff_t>(offset))) {
    return false;
  }
  if (!AreAll(all.first(offset), kMark) || !AreAll(all.subspan(offset + bytes), kMark)) {
    return false;
  }
  Zero(type, {scratch + offset, bytes});
  CopyOut(type, back.data(), {scratch, around});
  return AreAll(all.subspan(offset, bytes), std::byte{0}) && AreAll(all.first(offset), kMark) &&
         AreAll(all.subspan(offset + bytes), kMark);
}

}  // namespace

std::span<const Access> PlainAccesses() { return kPlain; }

bool CopiesAreRight(MemoryType type, std::byte* scratch) {
  for (size_t offset = 0; offset < kOffsets; ++offset) {
    for (size_t bytes = 0; bytes < kShortBytes; ++bytes) {
      if (!IsRight(type, scratch, offset, bytes)) return false;
    }
    for (const size_t bytes : kPages) {
      if (!IsRight(type, scratch, offset, bytes)) return false;
    }
  }
  return true;
}

}  // namespace tombolo::alignment

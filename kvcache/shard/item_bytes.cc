#include "kvcache/shard/item_bytes.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif
#include <string.h>

#include <algorithm>
#include <atomic>
#include <bit>

#include "transport/layout/shared_word.h"

namespace tombolo::kvcache {
namespace {

constexpr size_t kWordBytes = sizeof(uint64_t);

// The first byte of a word is its lowest.
static_assert(std::endian::native == std::endian::little);

// SAFETY: callers give addresses aligned to a word within a segment.
uint64_t LoadWord(const std::byte* at) {
  // Acquire: pairs with ItemWriter::Put of whoever fills the segment anew.
  return reinterpret_cast<const SharedU64*>(at)->load(std::memory_order_acquire);
}

// Release: pairs with LoadWord. SAFETY: callers give addresses aligned to a word within a segment.
void StoreWord(std::byte* at, uint64_t word) {
  reinterpret_cast<SharedU64*>(at)->store(word, std::memory_order_release);
}

size_t Misalignment(const std::byte* at) { return reinterpret_cast<uintptr_t>(at) % kWordBytes; }

// A word without its first `count` bytes; fewer than 8.
uint64_t DropBytes(uint64_t word, size_t count) { return word >> (8 * count); }

uint64_t ReadPrivate(const void* at) {
  uint64_t word;
  memcpy(&word, at, kWordBytes);
  return word;
}

void WritePrivate(void* at, uint64_t word) { memcpy(at, &word, kWordBytes); }

// Fewer than 16 bytes: piece by piece of the words that hold them.
void LoadFewBytes(const std::byte* from, std::byte* to, size_t size) {
  size_t skipped = Misalignment(from);
  for (from -= skipped; size != 0; from += kWordBytes) {
    const uint64_t word = DropBytes(LoadWord(from), skipped);
    const size_t count = std::min(kWordBytes - skipped, size);
    memcpy(to, &word, count);
    to += count;
    size -= count;
    skipped = 0;
  }
}

// SUBTLE: the addresses of both sides are locals that nobody refers to. One that is captured by
// reference may be what a store of a byte changes, so it is loaded and stored with every word, five
// cycles each: that was a third of the time in which a server answered gets of 16 KiB.
void LoadWords(const std::byte* from, std::span<std::byte> to) {
  if (to.size() < 2 * kWordBytes) return LoadFewBytes(from, to.data(), to.size());
  std::byte* next = to.data();
  std::byte* const end = next + to.size();
  if (const size_t skipped = Misalignment(from); skipped != 0) {
    // A whole word is written: what is too much of it is overwritten by the next one.
    WritePrivate(next, DropBytes(LoadWord(from - skipped), skipped));
    next += kWordBytes - skipped;
    from += kWordBytes - skipped;
  }
  const std::byte* const whole_end =
      from + (end - next) / static_cast<ptrdiff_t>(kWordBytes) * static_cast<ptrdiff_t>(kWordBytes);
  uint64_t word = 0;
  for (; from != whole_end; from += kWordBytes, next += kWordBytes) {
    word = LoadWord(from);
    WritePrivate(next, word);
  }
  const size_t left = static_cast<size_t>(end - next);
  if (left == 0) return;
  // The last word of the target, part of which was written before: at least one whole word was.
  WritePrivate(end - kWordBytes, DropBytes(word, left) | LoadWord(from)
                                                             << (8 * (kWordBytes - left)));
}

// A processor that keeps loads in order needs no acquire for each of them. ThreadSanitizer and the
// fuzzers are to see every word.
#if defined(__SSE2__) && !defined(__SANITIZE_THREAD__) && !defined(TOMBOLO_HOSTILE_LOADS)
constexpr size_t kBlockBytes = 64;

// From here on the C library's copy, which knows the processor, is twice as fast as blocks.
constexpr size_t kLongBytes = 1024;

// False: it is not long enough, and nothing was done.
// SUBTLE: nobody vouches for the order of that copy's loads, which may be those of a string
// instruction. The fence has all of them done before the caller looks again at what they came from.
bool LoadLong(const std::byte* from, std::span<std::byte> to) {
  if (to.size() < kLongBytes) return false;
  memcpy(to.data(), from, to.size());
  std::atomic_signal_fence(std::memory_order_acquire);
  _mm_lfence();
  return true;
}

void LoadBlock(const std::byte* from, std::byte* to) {
  for (size_t at = 0; at < kBlockBytes; at += sizeof(__m128i)) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + at),
                     _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + at)));
  }
}

// False: there is less than a block, and nothing was done. The last one may overlap the one before.
bool LoadBlocks(const std::byte* from, std::span<std::byte> to) {
  if (to.size() < kBlockBytes) return false;
  std::byte* const target = to.data();
  const size_t last = to.size() - kBlockBytes;
  for (size_t at = 0; at < last; at += kBlockBytes) LoadBlock(from + at, target + at);
  LoadBlock(from + last, target + last);
  // Keeps the compiler from looking again before this; the processor does not.
  std::atomic_signal_fence(std::memory_order_acquire);
  return true;
}
#else
bool LoadLong(const std::byte*, std::span<std::byte>) { return false; }
bool LoadBlocks(const std::byte*, std::span<std::byte>) { return false; }
#endif

}  // namespace

ItemHeader LoadItemHeader(const std::byte* at) {
  return {.sizes = UnpackItemSizes(LoadWord(at + offsetof(Item, sizes))),
          .life = UnpackItemLife(LoadWord(at + offsetof(Item, life))),
          .cas = LoadWord(at + offsetof(Item, cas))};
}

void LoadBytes(const std::byte* from, std::span<std::byte> to) {
  if (!LoadLong(from, to) && !LoadBlocks(from, to)) LoadWords(from, to);
}

// Whole words of the key are compared, and for the rest of it the last word, shifted.
bool HoldsKey(const std::byte* from, std::string_view key) {
  const char* next = key.data();
  size_t left = key.size();
  for (; left >= kWordBytes; left -= kWordBytes, next += kWordBytes, from += kWordBytes) {
    if (LoadWord(from) != ReadPrivate(next)) return false;
  }
  if (left == 0) return true;
  const size_t missing = kWordBytes - left;
  uint64_t rest = 0;
  if (key.size() >= kWordBytes) {
    rest = DropBytes(ReadPrivate(next + left - kWordBytes), missing);
  } else {
    memcpy(&rest, next, left);
  }
  return LoadWord(from) << (8 * missing) == rest << (8 * missing);
}

ItemWriter::ItemWriter(std::byte* at, const ItemHeader& header) : next_(at) {
  Put(Pack(header.sizes));
  Put(Pack(header.life));
  Put(header.cas);
}

void ItemWriter::Put(uint64_t word) {
  StoreWord(next_, word);
  next_ += kWordBytes;
}

void ItemWriter::Append(std::string_view bytes) {
  const char* from = bytes.data();
  size_t left = bytes.size();
  // Locals, as in LoadWords().
  std::byte* next = next_;
  uint64_t pending = pending_;
  for (; left >= kWordBytes; left -= kWordBytes, from += kWordBytes, next += kWordBytes) {
    const uint64_t word = ReadPrivate(from);
    StoreWord(next, pending | word << (8 * pending_bytes_));
    if (pending_bytes_ != 0) pending = DropBytes(word, kWordBytes - pending_bytes_);
  }
  next_ = next;
  pending_ = pending;
  AppendFew(from, left);
}

// Fewer than 8.
void ItemWriter::AppendFew(const char* from, size_t count) {
  if (count == 0) return;
  uint64_t bytes = 0;
  memcpy(&bytes, from, count);
  pending_ |= bytes << (8 * pending_bytes_);
  const size_t in_all = pending_bytes_ + count;
  if (in_all >= kWordBytes) {
    Put(pending_);
    // Some were pending before, or there would be no whole word now.
    pending_ = DropBytes(bytes, kWordBytes - pending_bytes_);
  }
  pending_bytes_ = static_cast<unsigned>(in_all % kWordBytes);
}

// Eight bytes more, which with those before them fill a word.
void ItemWriter::PutWhole(uint64_t bytes) {
  if (pending_bytes_ == 0) return Put(bytes);
  Put(pending_ | bytes << (8 * pending_bytes_));
  pending_ = DropBytes(bytes, kWordBytes - pending_bytes_);
}

void ItemWriter::AppendShared(const std::byte* from, size_t bytes) {
  for (; bytes >= kWordBytes; bytes -= kWordBytes, from += kWordBytes) PutWhole(LoadWord(from));
  if (bytes == 0) return;
  const uint64_t word = LoadWord(from);
  AppendFew(reinterpret_cast<const char*>(&word), bytes);
}

void ItemWriter::Finish() {
  if (pending_bytes_ == 0) return;
  Put(pending_);
  pending_ = 0;
  pending_bytes_ = 0;
}

}  // namespace tombolo::kvcache

#include "kvcache/shard/item_bytes.h"

#include <string.h>

#include <algorithm>

#include "transport/layout/shared_word.h"

namespace tombolo::kvcache {
namespace {

constexpr size_t kWordBytes = sizeof(uint64_t);

// SAFETY: callers give addresses aligned to a word within a segment.
uint64_t LoadWord(const std::byte* at) {
  // Acquire: pairs with ItemWriter::Put of whoever fills the segment anew.
  return reinterpret_cast<const SharedU64*>(at)->load(std::memory_order_acquire);
}

size_t Misalignment(const std::byte* at) { return reinterpret_cast<uintptr_t>(at) % kWordBytes; }

// Calls `use(bytes, count)` for the pieces of [from, from + size), each at most a word and from a
// private copy, until it gives false. Whether it never did.
template <typename Use>
bool EachPiece(const std::byte* from, size_t size, Use use) {
  size_t skipped = Misalignment(from);
  for (from -= skipped; size != 0; from += kWordBytes) {
    const uint64_t word = LoadWord(from);
    const size_t count = std::min(kWordBytes - skipped, size);
    if (!use(reinterpret_cast<const char*>(&word) + skipped, count)) return false;
    size -= count;
    skipped = 0;
  }
  return true;
}

}  // namespace

ItemHeader LoadItemHeader(const std::byte* at) {
  return {.sizes = UnpackItemSizes(LoadWord(at + offsetof(Item, sizes))),
          .life = UnpackItemLife(LoadWord(at + offsetof(Item, life))),
          .cas = LoadWord(at + offsetof(Item, cas))};
}

void LoadBytes(const std::byte* from, std::span<std::byte> to) {
  std::byte* next = to.data();
  size_t left = to.size();
  // The words between the pieces at both ends are most of a large value.
  const size_t head = std::min(left, (kWordBytes - Misalignment(from)) % kWordBytes);
  const auto copy = [&next](const char* bytes, size_t count) {
    memcpy(next, bytes, count);
    next += count;
    return true;
  };
  EachPiece(from, head, copy);
  from += head;
  for (left -= head; left >= kWordBytes; left -= kWordBytes, from += kWordBytes) {
    const uint64_t word = LoadWord(from);
    memcpy(next, &word, kWordBytes);
    next += kWordBytes;
  }
  EachPiece(from, left, copy);
}

bool HoldsKey(const std::byte* from, std::string_view key) {
  const char* next = key.data();
  return EachPiece(from, key.size(), [&next](const char* bytes, size_t count) {
    const bool same = memcmp(next, bytes, count) == 0;
    next += count;
    return same;
  });
}

ItemWriter::ItemWriter(std::byte* at, const ItemHeader& header) : next_(at) {
  Put(Pack(header.sizes));
  Put(Pack(header.life));
  Put(header.cas);
}

void ItemWriter::Put(uint64_t word) {
  // Release: pairs with LoadWord. SAFETY: as the constructor's caller promised.
  reinterpret_cast<SharedU64*>(next_)->store(word, std::memory_order_release);
  next_ += kWordBytes;
}

void ItemWriter::Append(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t count = std::min<size_t>(kWordBytes - pending_bytes_, bytes.size());
    memcpy(reinterpret_cast<char*>(&pending_) + pending_bytes_, bytes.data(), count);
    pending_bytes_ += static_cast<unsigned>(count);
    bytes.remove_prefix(count);
    if (pending_bytes_ == kWordBytes) Finish();
  }
}

void ItemWriter::AppendShared(const std::byte* from, size_t bytes) {
  EachPiece(from, bytes, [this](const char* piece, size_t count) {
    Append({piece, count});
    return true;
  });
}

void ItemWriter::Finish() {
  if (pending_bytes_ == 0) return;
  Put(pending_);
  pending_ = 0;
  pending_bytes_ = 0;
}

}  // namespace tombolo::kvcache

// Reading and writing items while somebody else may be doing the other: word by word.
//
// Memory ordering: the owner stores each word of an item with release, readers load each with
// acquire. So whoever has seen one byte of what a segment was filled with anew also sees, in the
// loads that follow, that its generation changed before: a copy is checked by looking at the
// generation after it, without a fence. On x86-64 that costs nothing over plain moves, and there
// longer runs of bytes are loaded by plain moves of 16, which it keeps in order, and those of a KiB
// and more by whatever the C library likes, with a fence behind them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "kvcache/layout/item.h"

namespace tombolo::kvcache {

// The header of an item in private memory.
struct ItemHeader {
  ItemSizes sizes;
  ItemLife life;
  uint64_t cas = 0;

  uint64_t Bytes() const { return ItemBytes(sizes.key_bytes, sizes.value_bytes); }

  // Whether an item with this header can lie where `room_bytes` are left.
  bool IsSane(uint64_t room_bytes) const {
    return sizes.key_bytes != 0 && sizes.key_bytes <= kMaxKeyBytes && Bytes() <= room_bytes;
  }

  // Whether a client may still see it.
  bool IsVisible(uint32_t now_s, uint64_t flush_cas) const {
    return cas > flush_cas && (life.expiry_s == 0 || life.expiry_s > now_s);
  }
};

// `at`: sizeof(Item) bytes of a segment, aligned to 8.
ItemHeader LoadItemHeader(const std::byte* at);

// Copies `to.size()` shared bytes from `from`, wherever they begin. All aligned words that hold
// one of them are read whole.
void LoadBytes(const std::byte* from, std::span<std::byte> to);

// Whether the shared bytes at `from`, which is aligned to 8, are those of `key`.
bool HoldsKey(const std::byte* from, std::string_view key);

// Writes an item: its header, then whatever is appended, then zeros to the end of the word.
class ItemWriter {
 public:
  // `at` has room for header.Bytes() and is aligned to 8.
  ItemWriter(std::byte* at, const ItemHeader& header);

  void Append(std::string_view bytes);

  // Copies `bytes` bytes of another item; `from` is aligned to 8.
  void AppendShared(const std::byte* from, size_t bytes);

  // The last word. Nothing may be appended after it.
  void Finish();

 private:
  void Put(uint64_t word);
  void PutWhole(uint64_t bytes);
  void AppendFew(const char* from, size_t count);

  std::byte* next_;
  uint64_t pending_ = 0;
  unsigned pending_bytes_ = 0;
};

}  // namespace tombolo::kvcache

#include "transport/alloc/extent_map.h"

#include <algorithm>

namespace tombolo {

bool ExtentMap::IsFree(uint32_t index) const {
  // Relaxed: a hint; the CAS in ReplaceIfFree decides.
  return Look(index).state == ExtentState::kFree;
}

ExtentWord ExtentMap::Look(uint32_t first) const {
  return UnpackExtentWord(words_[first].load(std::memory_order_relaxed));
}

bool ExtentMap::ReplaceIfFree(uint32_t index, const ExtentWord& word) {
  uint64_t seen = words_[index].load(std::memory_order_relaxed);
  const ExtentWord old = UnpackExtentWord(seen);
  if (old.state != ExtentState::kFree) return false;
  ExtentWord taken = word;
  taken.generation = old.generation;
  // Acquire: pairs with the release in FreeIfOwned, so the last owner's accesses are over.
  return words_[index].compare_exchange_strong(seen, Pack(taken), std::memory_order_acquire,
                                               std::memory_order_relaxed);
}

bool ExtentMap::FreeIfOwned(uint32_t index, uint16_t owner) {
  uint64_t seen = words_[index].load(std::memory_order_relaxed);
  const ExtentWord old = UnpackExtentWord(seen);
  if (old.state == ExtentState::kFree || old.owner != owner) return false;
  const ExtentWord free{.generation = old.generation + 1};
  // Release: pairs with the acquire in ReplaceIfFree.
  return words_[index].compare_exchange_strong(seen, Pack(free), std::memory_order_release,
                                               std::memory_order_relaxed);
}

bool ExtentMap::ClaimRun(uint32_t first, uint32_t count, uint16_t owner, ExtentKind kind) {
  // From the last word to the first, so that the head, which alone makes the run one, is taken
  // last.
  for (uint32_t taken = 0; taken < count; ++taken) {
    const uint32_t index = first + count - 1 - taken;
    const bool is_head = index == first;
    const ExtentWord word{.state = is_head ? ExtentState::kHead : ExtentState::kTail,
                          .kind = kind,
                          .owner = owner,
                          .length = is_head ? count : 0};
    if (ReplaceIfFree(index, word)) continue;
    for (uint32_t i = index + 1; i < first + count; ++i) FreeIfOwned(i, owner);
    return false;
  }
  return true;
}

std::optional<uint32_t> ExtentMap::Claim(uint32_t count, uint16_t owner, ExtentKind kind) {
  if (count == 0 || count > words_.size() || count > kMaxRunExtents) return std::nullopt;
  const uint32_t last_start = Count() - count;
  const uint32_t hint = hint_.load(std::memory_order_relaxed);
  uint32_t start = hint <= last_start ? hint : 0;
  // Each step passes at least one word, so two rounds of the map bound the search whatever others
  // do.
  for (uint64_t steps = 0; steps <= uint64_t{2} * Count(); ++steps) {
    uint32_t length = 0;
    while (length < count && IsFree(start + length)) ++length, ++steps;
    if (length == count && ClaimRun(start, count, owner, kind)) {
      hint_.store(start + count, std::memory_order_relaxed);
      return start;
    }
    start += length + 1;
    if (start > last_start) start = 0;
  }
  return std::nullopt;
}

bool ExtentMap::Free(uint32_t first, uint16_t owner) {
  if (first >= words_.size()) return false;
  const ExtentWord head = Look(first);
  if (head.state != ExtentState::kHead || head.owner != owner) return false;
  if (head.length > words_.size() - first || !FreeIfOwned(first, owner)) return false;
  for (uint32_t i = first + 1; i < first + head.length; ++i) FreeIfOwned(i, owner);
  return true;
}

bool ExtentMap::Retag(uint32_t first, uint16_t owner, ExtentKind kind) {
  if (first >= words_.size()) return false;
  uint64_t seen = words_[first].load(std::memory_order_relaxed);
  ExtentWord head = UnpackExtentWord(seen);
  if (head.state != ExtentState::kHead || head.owner != owner) return false;
  head.kind = kind;
  // Relaxed: the kind is for people and for fsck; it orders nothing.
  return words_[first].compare_exchange_strong(seen, Pack(head), std::memory_order_relaxed,
                                               std::memory_order_relaxed);
}

uint32_t ExtentMap::ReleaseAllOf(uint16_t owner) {
  uint32_t freed = 0;
  for (uint32_t i = 0; i < words_.size(); ++i) freed += FreeIfOwned(i, owner) ? 1 : 0;
  return freed;
}

bool ExtentMap::IsOwned(uint32_t index, uint16_t owner) const {
  const ExtentWord word = Look(index);
  return word.state != ExtentState::kFree && word.owner == owner;
}

uint32_t ExtentMap::ReleaseSome(uint16_t owner, uint32_t most, const Scrub& scrub) {
  uint32_t freed = 0;
  for (uint32_t i = 0; i < words_.size() && freed < most; ++i) {
    if (!IsOwned(i, owner)) continue;
    scrub(i);
    freed += FreeIfOwned(i, owner) ? 1 : 0;
  }
  return freed;
}

// Where the run that begins at `first` ends: at the first word that is none of its tails.
uint32_t ExtentMap::RunEnd(uint32_t first) const {
  const ExtentWord head = Look(first);
  const uint32_t most = first + std::clamp<uint32_t>(head.length, 1, Count() - first);
  uint32_t end = first + 1;
  while (end < most && IsOwned(end, head.owner) && Look(end).state == ExtentState::kTail) ++end;
  return end;
}

uint32_t ExtentMap::ReleaseUnfinished(uint16_t owner, const Scrub& scrub) {
  uint32_t freed = 0;
  for (uint32_t i = 0; i < words_.size();) {
    if (Look(i).state == ExtentState::kHead) {
      i = RunEnd(i);
      continue;
    }
    if (IsOwned(i, owner)) {
      scrub(i);
      freed += FreeIfOwned(i, owner) ? 1 : 0;
    }
    ++i;
  }
  return freed;
}

uint32_t ExtentMap::CountFree() const {
  uint32_t free = 0;
  for (uint32_t i = 0; i < words_.size(); ++i) free += IsFree(i) ? 1 : 0;
  return free;
}

}  // namespace tombolo

// ExtentMap: who owns which extents of the region. Any endpoint claims and frees its own with
// atomic read-modify-write on the map's words; the daemon frees what the dead owned.
//
// Every word of a run holds its owner, so whatever instruction a claimer dies at, one scan for its
// index finds all that it held. Thread safety: all functions, from any process. It assumes of peers
// that the map's words may say anything: lengths are bounded by the map, and nothing is
// dereferenced here.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "transport/layout/extent_word.h"
#include "transport/layout/shared_word.h"

namespace tombolo {

class ExtentMap {
 public:
  explicit ExtentMap(std::span<SharedU64> words) : words_(words) {}

  // Claims `count` consecutive extents for endpoint `owner` and gives the first one's index;
  // nothing when no such run is free, or when others claimed and freed so fast that none was seen.
  // The run's memory holds what its last owner left there. Memory ordering: acquire against the
  // Free() or ReleaseAllOf() that freed the extents.
  std::optional<uint32_t> Claim(uint32_t count, uint16_t owner, ExtentKind kind);

  // Frees the run that begins at `first`. False, and nothing is done, when no run of `owner` begins
  // there.
  bool Free(uint32_t first, uint16_t owner);

  // Says anew what the run of `owner` that begins at `first` is for. False: no such run.
  bool Retag(uint32_t first, uint16_t owner, ExtentKind kind);

  // Frees every extent of `owner`, which must be proven dead, and gives how many they were. May be
  // repeated.
  uint32_t ReleaseAllOf(uint16_t owner);

  // Zeroes the memory of an extent that is about to change its owner.
  using Scrub = std::function<void(uint32_t extent)>;

  // The same, at most `most` extents of it, each scrubbed before it is freed: fewer than `most`
  // came back when that was all. May be cut short anywhere: what is not freed yet is still
  // `owner`'s.
  uint32_t ReleaseSome(uint16_t owner, uint32_t most, const Scrub& scrub);

  // Frees what `owner` began to claim or to free and did not finish, each extent scrubbed before;
  // gives how many they were. Nobody may claim or free for `owner` meanwhile.
  uint32_t ReleaseUnfinished(uint16_t owner, const Scrub& scrub);

  // Extents that are free at the moment: a scan, for decisions that may be a little wrong.
  uint32_t CountFree() const;

  uint32_t Count() const { return static_cast<uint32_t>(words_.size()); }

  // The head word of the run that begins at `first`.
  ExtentWord Look(uint32_t first) const;

 private:
  bool ClaimRun(uint32_t first, uint32_t count, uint16_t owner, ExtentKind kind);
  bool ReplaceIfFree(uint32_t index, const ExtentWord& word);
  bool FreeIfOwned(uint32_t index, uint16_t owner);
  bool IsFree(uint32_t index) const;
  bool IsOwned(uint32_t index, uint16_t owner) const;
  uint32_t RunEnd(uint32_t first) const;

  std::span<SharedU64> words_;
  // Where the last claim ended: a place to begin the search, nothing more. Relaxed everywhere,
  // because it orders nothing; atomic only because threads of a process share this object.
  std::atomic<uint32_t> hint_ = 0;
};

}  // namespace tombolo

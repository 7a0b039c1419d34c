// SegmentLog: the segments of a shard as their owner sees them: which are free, which one is being
// filled for each queue, and in which order the sealed ones were. What decides anything is private;
// the shared headers are written for readers and for the next owner.
//
// Recycling a segment, in this order, each step one store:
//   BeginRecycling()   state kRecycling; the caller then clears every slot that leads there
//   EndRecycling()     generation + 1, state kFree; only now may its bytes be written anew
// A reader that copied meanwhile finds another slot or another generation after its copy.
//
// Not thread-safe: the one writer's.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "kvcache/layout/segment_header.h"
#include "kvcache/shard/shard_parts.h"

namespace tombolo::kvcache {

class SegmentLog {
 public:
  explicit SegmentLog(const Shard& shard);

  // Makes all segments free and empty, whatever they were.
  void Format();

  // Takes over what the headers say, after another owner. Segments that it was filling are sealed;
  // those that it was recycling are in Unfinished(): the caller clears the slots that lead there
  // and then calls FinishRecycling(). DataLoss: a header makes no sense.
  absl::Status Load();
  const std::vector<uint32_t>& Unfinished() const { return unfinished_; }
  void FinishRecycling();

  // Where `bytes` more would lie in the segment that is open for `queue`; nothing when none is, or
  // it has no room.
  std::optional<Place> NextPlace(Queue queue, uint64_t bytes) const;

  // The item of `bytes` at the last NextPlace(queue) is written. Memory ordering: release, before
  // the slot that leads there.
  void Commit(Queue queue, uint64_t bytes);

  // Opens a free segment for `queue`, whose open one is sealed first. False: none is free.
  bool OpenNext(Queue queue);
  void Seal(Queue queue);

  // More are free than the one that survivors may need.
  bool HasSpare() const { return free_.size() > kReserve; }

  bool HasFree() const { return !free_.empty(); }

  // A free segment is set aside, HasSpare() is true; or one that was is free again.
  uint32_t HoldBack();
  void Release();
  uint32_t HeldCount() const { return static_cast<uint32_t>(held_.size()); }

  // The segment to evict, out of its queue; nothing when none is sealed. First those without a
  // live item, then the small queue while it holds more than its share, then the main one.
  std::optional<uint32_t> TakeVictim(uint32_t now_s);
  // The one with the fewest live items.
  std::optional<uint32_t> TakeEmptiest();

  void BeginRecycling(uint32_t segment);
  void EndRecycling(uint32_t segment);

  // A slot leads to an item there that expires at `expiry_s` (0: never), or no longer does.
  void Gained(uint32_t segment, uint32_t expiry_s, uint64_t slots = 1);
  void Extended(uint32_t segment, uint32_t expiry_s);
  void Lost(uint32_t segment);

  uint32_t GenerationOf(uint32_t segment) const { return segments_[segment].generation; }
  uint64_t WrittenOf(uint32_t segment) const { return segments_[segment].written_bytes; }
  bool IsSealed(uint32_t segment) const {
    return segments_[segment].state == SegmentState::kSealed;
  }
  uint64_t WrittenBytes() const;  // Of all segments that are not free.
  uint64_t LiveOf(uint32_t segment) const { return segments_[segment].live; }
  Queue QueueOf(uint32_t segment) const { return segments_[segment].queue; }

 private:
  static constexpr size_t kReserve = 1;
  static constexpr uint32_t kNeverExpires = UINT32_MAX;

  struct Segment {
    SegmentState state = SegmentState::kFree;
    Queue queue = Queue::kSmall;
    uint32_t generation = 0;
    uint32_t latest_expiry_s = 0;  // Of the items that were put there.
    uint64_t written_bytes = 0;
    uint64_t live = 0;  // Slots that lead there.
    uint64_t sequence = 0;
  };

  absl::Status LoadOne(uint32_t segment);
  void FetchAhead(const Place& place, uint64_t bytes) const;
  void SetState(uint32_t segment, SegmentState state);
  std::optional<uint32_t> TakeDead(Queue queue, uint32_t now_s);
  std::optional<uint32_t> TakeOldest(Queue queue);
  bool SmallIsOverItsShare() const;
  std::deque<uint32_t>& Sealed(Queue queue) { return sealed_[static_cast<size_t>(queue)]; }
  std::optional<uint32_t>& OpenOf(Queue queue) { return open_[static_cast<size_t>(queue)]; }

  Shard shard_;
  std::vector<Segment> segments_;
  std::deque<uint32_t> free_;
  std::vector<uint32_t> held_;                        // Free too, but not to be used.
  std::array<std::deque<uint32_t>, kQueues> sealed_;  // Oldest first.
  std::array<std::optional<uint32_t>, kQueues> open_;
  std::vector<uint32_t> unfinished_;
  uint64_t next_sequence_ = 1;
};

}  // namespace tombolo::kvcache

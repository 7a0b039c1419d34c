#include "kvcache/store/segment_log.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "transport/base/prefetch.h"

namespace tombolo::kvcache {
namespace {

constexpr uint64_t kMostBytesAhead = 512;  // Of a larger item the rest comes while it is copied.
constexpr uint64_t kMaxSequence = uint64_t{1} << 62;
constexpr size_t kSmallShare =
    10;  // One segment in so many is for items that nobody asked for yet.

}  // namespace

SegmentLog::SegmentLog(const Shard& shard)
    : shard_(shard), segments_(shard.Shape().segment_count) {}

void SegmentLog::Format() {
  for (uint32_t i = 0; i < segments_.size(); ++i) {
    SegmentHeader& header = shard_.HeaderOf(i);
    // Relaxed: what the last owner left, if there was one; only its change matters.
    const uint32_t generation = header.generation.load(std::memory_order_relaxed) + 1;
    segments_[i] = {.generation = generation};
    // seq_cst, as in EndRecycling().
    header.generation.store(generation, std::memory_order_seq_cst);
    SetState(i, SegmentState::kFree);
    header.written_bytes.store(0, std::memory_order_release);
    header.queue.store(0, std::memory_order_release);
    header.sequence.store(0, std::memory_order_release);
    free_.push_back(i);
  }
}

absl::Status SegmentLog::Load() {
  for (uint32_t i = 0; i < segments_.size(); ++i) {
    if (absl::Status status = LoadOne(i); !status.ok()) return status;
  }
  for (auto& queue : sealed_) {
    std::sort(queue.begin(), queue.end(), [this](uint32_t a, uint32_t b) {
      return segments_[a].sequence < segments_[b].sequence;
    });
  }
  return absl::OkStatus();
}

absl::Status SegmentLog::LoadOne(uint32_t segment) {
  // Acquire: pairs with the stores of the owner before.
  const SegmentHeader& header = shard_.HeaderOf(segment);
  const uint32_t state = header.state.load(std::memory_order_acquire);
  const uint32_t queue = header.queue.load(std::memory_order_acquire);
  const uint32_t written_bytes = header.written_bytes.load(std::memory_order_acquire);
  const uint64_t sequence = header.sequence.load(std::memory_order_acquire);
  if (state > static_cast<uint32_t>(SegmentState::kRecycling) || queue >= kQueues ||
      written_bytes > shard_.Shape().segment_bytes || written_bytes % kItemAlignmentBytes != 0 ||
      sequence > kMaxSequence) {
    return absl::DataLossError(absl::StrCat("the header of segment ", segment, " says state ",
                                            state, ", queue ", queue, ", ", written_bytes,
                                            " bytes, sequence ", sequence, "."));
  }
  segments_[segment] = {.state = static_cast<SegmentState>(state),
                        .queue = static_cast<Queue>(queue),
                        .generation = header.generation.load(std::memory_order_acquire),
                        .latest_expiry_s = kNeverExpires,
                        .written_bytes = written_bytes,
                        .sequence = sequence};
  next_sequence_ = std::max(next_sequence_, sequence + 1);
  switch (segments_[segment].state) {
    case SegmentState::kFree:
      free_.push_back(segment);
      break;
    case SegmentState::kRecycling:
      unfinished_.push_back(segment);
      break;
    case SegmentState::kOpen:
      SetState(segment, SegmentState::kSealed);
      [[fallthrough]];
    case SegmentState::kSealed:
      Sealed(segments_[segment].queue).push_back(segment);
      break;
  }
  return absl::OkStatus();
}

void SegmentLog::FinishRecycling() {
  for (const uint32_t segment : unfinished_) EndRecycling(segment);
  unfinished_.clear();
}

void SegmentLog::SetState(uint32_t segment, SegmentState state) {
  segments_[segment].state = state;
  // Release: the next owner loads it with acquire in LoadOne().
  shard_.HeaderOf(segment).state.store(static_cast<uint32_t>(state), std::memory_order_release);
}

std::optional<Place> SegmentLog::NextPlace(Queue queue, uint64_t bytes) const {
  const std::optional<uint32_t> open = open_[static_cast<size_t>(queue)];
  if (!open) return std::nullopt;
  const uint64_t written = segments_[*open].written_bytes;
  if (bytes > shard_.Shape().segment_bytes - written) return std::nullopt;
  return Place{.segment = *open, .offset_bytes = written};
}

void SegmentLog::Commit(Queue queue, uint64_t bytes) {
  const uint32_t open = *OpenOf(queue);
  Segment& segment = segments_[open];
  segment.written_bytes += bytes;
  shard_.HeaderOf(open).written_bytes.store(static_cast<uint32_t>(segment.written_bytes),
                                            std::memory_order_release);
  FetchAhead({.segment = open, .offset_bytes = segment.written_bytes}, bytes);
}

// What comes next is often as large as what was written now. Nobody has touched its lines for a
// long time, and a reply to whoever had it written would wait until they have come.
void SegmentLog::FetchAhead(const Place& place, uint64_t bytes) const {
  const uint64_t left = shard_.Shape().segment_bytes - place.offset_bytes;
  const uint64_t ahead = std::min({bytes, left, kMostBytesAhead});
  const std::byte* const begin = shard_.At(place);
  for (uint64_t at = 0; at < ahead + kCacheLineBytes; at += kCacheLineBytes) {
    PrefetchToWrite(begin + at);
  }
}

bool SegmentLog::OpenNext(Queue queue) {
  Seal(queue);
  if (free_.empty()) return false;
  const uint32_t next = free_.front();
  free_.pop_front();
  Segment& segment = segments_[next];
  segment.queue = queue;
  segment.sequence = next_sequence_++;
  segment.written_bytes = 0;
  segment.latest_expiry_s = 0;
  SegmentHeader& header = shard_.HeaderOf(next);
  // Release: all of it before the state that says it counts.
  header.queue.store(static_cast<uint32_t>(queue), std::memory_order_release);
  header.sequence.store(segment.sequence, std::memory_order_release);
  header.written_bytes.store(0, std::memory_order_release);
  SetState(next, SegmentState::kOpen);
  OpenOf(queue) = next;
  return true;
}

uint32_t SegmentLog::HoldBack() {
  held_.push_back(free_.back());
  free_.pop_back();
  return held_.back();
}

void SegmentLog::Release() {
  free_.push_back(held_.back());
  held_.pop_back();
}

void SegmentLog::Seal(Queue queue) {
  std::optional<uint32_t>& open = OpenOf(queue);
  if (!open) return;
  SetState(*open, SegmentState::kSealed);
  Sealed(queue).push_back(*open);
  open.reset();
}

std::optional<uint32_t> SegmentLog::TakeVictim(uint32_t now_s) {
  for (const Queue queue : {Queue::kSmall, Queue::kMain}) {
    if (const auto dead = TakeDead(queue, now_s)) return dead;
  }
  const bool small_first = SmallIsOverItsShare();
  const Queue first = small_first ? Queue::kSmall : Queue::kMain;
  const Queue second = small_first ? Queue::kMain : Queue::kSmall;
  if (const auto victim = TakeOldest(first)) return victim;
  return TakeOldest(second);
}

bool SegmentLog::SmallIsOverItsShare() const {
  return sealed_[static_cast<size_t>(Queue::kSmall)].size() >
         (segments_.size() - held_.size()) / kSmallShare;
}

std::optional<uint32_t> SegmentLog::TakeDead(Queue queue, uint32_t now_s) {
  std::deque<uint32_t>& sealed = Sealed(queue);
  const auto dead = std::find_if(sealed.begin(), sealed.end(), [&](uint32_t i) {
    return segments_[i].live == 0 || segments_[i].latest_expiry_s <= now_s;
  });
  if (dead == sealed.end()) return std::nullopt;
  const uint32_t segment = *dead;
  sealed.erase(dead);
  return segment;
}

std::optional<uint32_t> SegmentLog::TakeOldest(Queue queue) {
  std::deque<uint32_t>& sealed = Sealed(queue);
  if (sealed.empty()) return std::nullopt;
  const uint32_t segment = sealed.front();
  sealed.pop_front();
  return segment;
}

std::optional<uint32_t> SegmentLog::TakeEmptiest() {
  std::optional<uint32_t> emptiest;
  for (const auto& sealed : sealed_) {
    for (const uint32_t i : sealed) {
      if (!emptiest || segments_[i].live < segments_[*emptiest].live) emptiest = i;
    }
  }
  for (auto& sealed : sealed_) {
    if (emptiest) std::erase(sealed, *emptiest);
  }
  return emptiest;
}

void SegmentLog::BeginRecycling(uint32_t segment) { SetState(segment, SegmentState::kRecycling); }

void SegmentLog::EndRecycling(uint32_t segment) {
  Segment& recycled = segments_[segment];
  recycled.live = 0;
  ++recycled.generation;
  // seq_cst: after every slot was cleared, before the first byte is written anew (ItemWriter::Put
  // is a release); pairs with the loads of a reader around its copy (Reader::Copy).
  shard_.HeaderOf(segment).generation.store(recycled.generation, std::memory_order_seq_cst);
  SetState(segment, SegmentState::kFree);
  free_.push_back(segment);
}

uint64_t SegmentLog::WrittenBytes() const {
  uint64_t bytes = 0;
  for (const Segment& segment : segments_) {
    if (segment.state != SegmentState::kFree) bytes += segment.written_bytes;
  }
  return bytes;
}

void SegmentLog::Gained(uint32_t segment, uint32_t expiry_s, uint64_t slots) {
  segments_[segment].live += slots;
  Extended(segment, expiry_s);
}

void SegmentLog::Extended(uint32_t segment, uint32_t expiry_s) {
  uint32_t& latest = segments_[segment].latest_expiry_s;
  latest = std::max(latest, expiry_s == 0 ? kNeverExpires : expiry_s);
}

void SegmentLog::Lost(uint32_t segment) {
  // Slots may say anything where others can write them; then there are more than we counted.
  if (segments_[segment].live != 0) --segments_[segment].live;
}

}  // namespace tombolo::kvcache

// The small lane of a link: 61 cells of 64 bytes, one producer, one consumer
// (transport/layout/link.h has the picture). Each side keeps private copies of all positions and
// only ever compares them with the shared words, so a peer that lies can stop its own link and
// nothing else.
//
// Neither class allocates, locks, makes a system call or knows where the link lies. What every
// message goes through is inline; what is rare is a call away. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "transport/base/prefetch.h"
#include "transport/layout/link.h"

namespace tombolo {

// Where a lane's next message begins, on either side.
struct LanePosition {
  uint64_t position = 0;  // Cells since the link was made; only grows.
  uint32_t index = 0;     // position % kLinkCells.
  uint16_t lap = 1;       // Counts from 1; skips 0 when it wraps.

  // Cells from here to the end of the lap.
  uint32_t CellsLeft() const { return kLinkCells - index; }

  void Advance(uint32_t cells) {
    position += cells;
    index += cells;
    if (index >= kLinkCells) {
      index -= kLinkCells;
      lap = NextLap(lap);
    }
  }

  static uint16_t NextLap(uint16_t lap) {
    return lap == UINT16_MAX ? uint16_t{1} : static_cast<uint16_t>(lap + 1);
  }
};

// Cells that a message of `payload_bytes`, at most kMaxInlineBytes, fills; its header included.
constexpr uint32_t CellsFor(size_t payload_bytes) {
  return static_cast<uint32_t>((payload_bytes + kCellHeaderBytes + kCellBytes - 1) / kCellBytes);
}

// A message that is being written.
struct SmallClaim {
  std::byte* payload = nullptr;
  SharedU64* header = nullptr;
  uint16_t lap = 0;
  uint8_t cells = 0;
};

class SmallLaneProducer {
 public:
  // For a link in its first state: zeroed but for line 0.
  explicit SmallLaneProducer(Link& link) : link_(&link) {}

  // Claims room for `payload_bytes`, at most kMaxInlineBytes. Several claims may be open; they may
  // be published in any order and are delivered in the order of the claims. False: too large, no
  // credits now, or the receiver's credits made no sense (Poisoned() tells).
  bool TryClaim(size_t payload_bytes, SmallClaim& claim) {
    return TryClaimQuickly(payload_bytes, claim) ||
           (MakeRoom(payload_bytes) && TryClaimQuickly(payload_bytes, claim));
  }

  // The same, but false also when credits have to be looked for, or a lap has to be ended.
  bool TryClaimQuickly(size_t payload_bytes, SmallClaim& claim);

  // Whether `spare_cells` are left after a claim of `payload_bytes`, at most kMaxInlineBytes; looks
  // for credits if need be.
  bool LeavesRoom(size_t payload_bytes, uint32_t spare_cells);

  // Makes the message visible: `length` bytes, at most what was claimed.
  // Memory ordering: what the producer wrote before Publish() is visible to the consumer after
  // SmallLaneConsumer::Front() returned that message. The store is seq_cst because the check for a
  // sleeping receiver follows it: it pairs with transport/channel's parking, which stores `parked`
  // and then looks at the header. Within a batch only the last one need be: `order` is release for
  // the others.
  // SUBTLE: a receiver that parks looks at the oldest header of a batch, which was stored with
  // release before the last one's seq_cst store. Processors keep stores with release in order, so
  // whoever misses the oldest has parked in time for the sender to see it.
  static void Publish(const SmallClaim& claim, CellKind kind, uint8_t tag, size_t length,
                      std::memory_order order = std::memory_order_seq_cst) {
    const CellHeader header{.length = static_cast<uint32_t>(length),
                            .cells = claim.cells,
                            .kind = kind,
                            .tag = tag,
                            .lap = claim.lap};
    claim.header->store(Pack(header), order);
  }

  // Gives the claim up: the receiver skips it.
  static void Abandon(const SmallClaim& claim) { Publish(claim, CellKind::kSkip, 0, 0); }

  // The receiver's credits made no sense; the lane takes no more claims.
  bool Poisoned() const { return poisoned_; }

  // Looks whether `payload_bytes` could be claimed now, with fresh credits. seq_cst: the second
  // half of the pair with SmallLaneConsumer::PublishCredits, after credit_wanted was stored.
  bool HasRoom(size_t payload_bytes);

 private:
  bool MakeRoom(size_t payload_bytes);
  bool Fits(uint32_t cells, uint32_t spare_cells = 0) const;
  void SkipRestOfLap();
  void FetchAhead(uint32_t cells) const;
  void Occupy(uint32_t cells);
  void ClearIfFull(uint32_t index);
  void LoadCredits(std::memory_order order);

  // So far ahead of the claims their cells are fetched.
  static constexpr uint32_t kCellsAhead = 5;

  Link* link_;
  LanePosition next_;
  uint64_t consumed_ =
      0;  // As last seen; at most next_.position, at least next_.position - kLinkCells.
  // Cells that can be claimed from here on without a skip, as far as consumed_ tells. 0 as well
  // when the lane is poisoned, or when this was not worked out.
  uint32_t room_here_ = 0;
  // A bit per cell: set while its first word may be payload, or older than the lap before. Such a
  // cell is cleared before it becomes the next one. Others are not: their lines stay in the
  // receiver's cache until there is a message.
  uint64_t full_ = 0;
  bool poisoned_ = false;
};

struct SmallMessage {
  CellKind kind = CellKind::kInline;
  uint8_t tag = 0;
  std::span<const std::byte> payload;
};

enum class FrontResult { kEmpty, kMessage, kPoisoned };

class SmallLaneConsumer {
 public:
  explicit SmallLaneConsumer(Link& link) : link_(&link) {}

  // The oldest message, in place, until Release(). Skips are passed over. kPoisoned: a header made
  // no sense; the lane delivers nothing more. Memory ordering: the header is loaded with seq_cst,
  // which costs no more than acquire on the processors that we run on; it pairs with
  // SmallLaneProducer::Publish.
  FrontResult Front(SmallMessage& message);

  // Whether the header at which Front() last found nothing is what it was. Only when nothing was
  // released since. seq_cst, as there.
  bool IsAsSeen() const {
    return link_->cells[next_.index].header.load(std::memory_order_seq_cst) == seen_;
  }

  // Gives the cells of the front message back. Credits travel lazily: PublishCredits() sends them.
  void Release() {
    next_.Advance(front_cells_);
    front_cells_ = 0;
  }

  // Whether enough was released to be worth a store.
  bool CreditsDue() const { return next_.position - published_ >= kCreditBatchCells; }
  bool HasUnpublishedCredits() const { return next_.position != published_; }

  // seq_cst: pairs with SmallLaneProducer::HasRoom; look at credit_wanted after it.
  void PublishCredits();

 private:
  static constexpr uint32_t kCreditBatchCells = 16;

  void FetchAhead() const;
  bool IsOfTheLapBefore(const CellHeader& header) const;
  bool IsSaneInline(const CellHeader& header) const;
  bool IsSane(const CellHeader& header) const;
  FrontResult FrontOther(uint64_t packed, SmallMessage& message);
  FrontResult NothingAt(uint64_t packed) {
    seen_ = packed;
    return FrontResult::kEmpty;
  }

  Link* link_;
  LanePosition next_;
  uint64_t seen_ = 0;  // The header that was no message.
  uint64_t published_ = 0;
  uint32_t front_cells_ = 0;
  bool poisoned_ = false;
};

inline bool SmallLaneProducer::TryClaimQuickly(size_t payload_bytes, SmallClaim& claim) {
  const uint32_t cells = CellsFor(payload_bytes);
  if (payload_bytes > kMaxInlineBytes || cells > room_here_) return false;
  room_here_ -= cells;
  Cell& first = link_->cells[next_.index];
  claim = {.payload = first.payload,
           .header = &first.header,
           .lap = next_.lap,
           .cells = static_cast<uint8_t>(cells)};
  FetchAhead(cells);
  Occupy(cells);
  ClearIfFull(next_.index);
  return true;
}

// Fetches what will be claimed soon, as many cells as are claimed now: their lines lie in the
// receiver's cache, which has read them a lap ago. Not those that it has yet to read, nor the very
// next ones: it polls the first of them.
inline void SmallLaneProducer::FetchAhead(uint32_t cells) const {
  if (kCellsAhead + cells > kLinkCells - (next_.position - consumed_)) return;
  uint32_t index = next_.index + kCellsAhead;
  for (uint32_t i = 0; i < cells; ++i, ++index) {
    if (index >= kLinkCells) index -= kLinkCells;
    PrefetchToWrite(&link_->cells[index]);
  }
}

inline void SmallLaneProducer::Occupy(uint32_t cells) {
  // A bit per cell; the first one's word is a header. The index is less than kLinkCells.
  // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): it takes 115 for possible.
  full_ |= ((uint64_t{1} << cells) - 1) << next_.index;
  full_ &= ~(uint64_t{1} << next_.index);
  next_.Advance(cells);
}

inline void SmallLaneProducer::ClearIfFull(uint32_t index) {
  const uint64_t bit = uint64_t{1} << index;
  if ((full_ & bit) == 0) return;
  full_ &= ~bit;
  // Relaxed: ordered by the release part of the Publish that leads the consumer there.
  link_->cells[index].header.store(0, std::memory_order_relaxed);
}

inline bool SmallLaneConsumer::IsOfTheLapBefore(const CellHeader& header) const {
  return next_.position >= kLinkCells && LanePosition::NextLap(header.lap) == next_.lap;
}

inline bool SmallLaneConsumer::IsSaneInline(const CellHeader& header) const {
  return header.cells != 0 && header.cells <= std::min(next_.CellsLeft(), kMaxMessageCells) &&
         header.length <= header.cells * kCellBytes - kCellHeaderBytes;
}

// Messages of one cell often come in a row. The next one's line is perhaps still being written, so
// it is the one after that which is fetched.
inline void SmallLaneConsumer::FetchAhead() const {
  if (front_cells_ != 1) return;
  uint32_t index = next_.index + 2;
  if (index >= kLinkCells) index -= kLinkCells;
  PrefetchToRead(&link_->cells[index]);
}

inline FrontResult SmallLaneConsumer::Front(SmallMessage& message) {
  const Cell& cell = link_->cells[next_.index];
  const uint64_t packed = cell.header.load(std::memory_order_seq_cst);
  const CellHeader header = UnpackCellHeader(packed);
  if (header.lap != next_.lap) {
    if (packed != 0 && !IsOfTheLapBefore(header)) poisoned_ = true;
    return poisoned_ ? FrontResult::kPoisoned : NothingAt(packed);
  }
  if (header.kind != CellKind::kInline || !IsSaneInline(header) || poisoned_) {
    return FrontOther(packed, message);
  }
  front_cells_ = header.cells;
  FetchAhead();
  message = {.kind = header.kind, .tag = header.tag, .payload = {cell.payload, header.length}};
  return FrontResult::kMessage;
}

}  // namespace tombolo

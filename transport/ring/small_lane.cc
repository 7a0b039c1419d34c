#include "transport/ring/small_lane.h"

namespace tombolo {
namespace {

// Cells from `index` to the end of the lap.
uint32_t CellsLeft(const LanePosition& position) { return kLinkCells - position.index; }

uint16_t NextLap(uint16_t lap) { return lap == UINT16_MAX ? uint16_t{1} : uint16_t(lap + 1); }

// A bit per cell from `index` on.
uint64_t BitsOf(uint32_t index, uint32_t cells) { return ((uint64_t{1} << cells) - 1) << index; }

}  // namespace

void LanePosition::Advance(uint32_t cells) {
  position += cells;
  index += cells;
  if (index >= kLinkCells) {
    index -= kLinkCells;
    lap = NextLap(lap);
  }
}

bool SmallLaneProducer::Fits(uint32_t cells) const {
  // The message, the skip before it if it does not fit into this lap, and the cell after it, whose
  // header this claim may have to clear.
  const uint32_t left = CellsLeft(next_);
  const uint32_t needed = (cells > left ? left : 0) + cells + 1;
  return needed <= kLinkCells - (next_.position - consumed_);
}

void SmallLaneProducer::LoadCredits(std::memory_order order) {
  const uint64_t seen = link_->consumed_cells.load(order);
  if (seen < consumed_ || seen > next_.position) {
    poisoned_ = true;
    return;
  }
  consumed_ = seen;
}

bool SmallLaneProducer::HasRoom(size_t payload_bytes) {
  if (payload_bytes > kMaxInlineBytes) return false;
  LoadCredits(std::memory_order_seq_cst);
  return !poisoned_ && Fits(CellsFor(payload_bytes));
}

bool SmallLaneProducer::TryClaim(size_t payload_bytes, SmallClaim& claim) {
  if (poisoned_ || payload_bytes > kMaxInlineBytes) return false;
  const uint32_t cells = CellsFor(payload_bytes);
  if (!Fits(cells)) {
    // Acquire: pairs with SmallLaneConsumer::PublishCredits; the consumer has read what we are to
    // overwrite.
    LoadCredits(std::memory_order_acquire);
    if (poisoned_ || !Fits(cells)) return false;
  }
  if (cells > CellsLeft(next_)) SkipRestOfLap();
  Cell& first = link_->cells[next_.index];
  claim = {.payload = first.payload,
           .header = &first.header,
           .lap = next_.lap,
           .cells = static_cast<uint8_t>(cells)};
  Occupy(cells);
  ClearIfFull(next_.index);
  return true;
}

void SmallLaneProducer::Occupy(uint32_t cells) {
  full_ |= BitsOf(next_.index, cells);
  full_ &= ~BitsOf(next_.index, 1);
  next_.Advance(cells);
}

void SmallLaneProducer::ClearIfFull(uint32_t index) {
  if ((full_ & BitsOf(index, 1)) == 0) return;
  full_ &= ~BitsOf(index, 1);
  // Relaxed: ordered by the release part of the Publish that leads the consumer there.
  link_->cells[index].header.store(0, std::memory_order_relaxed);
}

void SmallLaneProducer::SkipRestOfLap() {
  // The header at index 0 must be in order before the skip leads the consumer there.
  ClearIfFull(0);
  const uint32_t left = CellsLeft(next_);
  const SmallClaim rest{.header = &link_->cells[next_.index].header,
                        .lap = next_.lap,
                        .cells = static_cast<uint8_t>(left)};
  Occupy(left);
  Abandon(rest);
}

void SmallLaneProducer::Publish(const SmallClaim& claim, CellKind kind, uint8_t tag, size_t length,
                                std::memory_order order) {
  const CellHeader header{.length = static_cast<uint32_t>(length),
                          .cells = claim.cells,
                          .kind = kind,
                          .tag = tag,
                          .lap = claim.lap};
  claim.header->store(Pack(header), order);
}

bool SmallLaneConsumer::IsOfTheLapBefore(uint64_t packed) const {
  return next_.position >= kLinkCells && NextLap(UnpackCellHeader(packed).lap) == next_.lap;
}

bool SmallLaneConsumer::IsSane(const CellHeader& header) const {
  if (header.lap != next_.lap || header.cells == 0 || header.cells > CellsLeft(next_)) return false;
  const size_t room = header.cells * kCellBytes - kCellHeaderBytes;
  switch (header.kind) {
    case CellKind::kInline:
      return header.cells <= kMaxMessageCells && header.length <= room;
    case CellKind::kBulk:
    case CellKind::kBulkSkip:
      return header.cells == 1 && header.length == sizeof(BulkDescriptor);
    case CellKind::kLoan:
      return header.cells == 1 && header.length == sizeof(LoanDescriptor);
    case CellKind::kSkip:
      return true;
  }
  return false;
}

FrontResult SmallLaneConsumer::Front(SmallMessage& message) {
  // Bounded: a lap holds at most kLinkCells skips, and the peer may write faster than we read.
  for (uint32_t skips = 0; skips < kLinkCells && !poisoned_; ++skips) {
    const Cell& cell = link_->cells[next_.index];
    const uint64_t packed = cell.header.load(std::memory_order_seq_cst);
    if (packed == 0 || IsOfTheLapBefore(packed)) return FrontResult::kEmpty;
    const CellHeader header = UnpackCellHeader(packed);
    if (!IsSane(header)) {
      poisoned_ = true;
      break;
    }
    front_cells_ = header.cells;
    if (header.kind != CellKind::kSkip) {
      message = {.kind = header.kind, .tag = header.tag, .payload = {cell.payload, header.length}};
      return FrontResult::kMessage;
    }
    Release();
  }
  return poisoned_ ? FrontResult::kPoisoned : FrontResult::kEmpty;
}

void SmallLaneConsumer::Release() {
  next_.Advance(front_cells_);
  front_cells_ = 0;
}

void SmallLaneConsumer::PublishCredits() {
  published_ = next_.position;
  link_->consumed_cells.store(published_, std::memory_order_seq_cst);
}

}  // namespace tombolo

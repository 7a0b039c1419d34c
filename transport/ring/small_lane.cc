#include "transport/ring/small_lane.h"

#include <algorithm>

namespace tombolo {

void SmallLaneProducer::LoadCredits(std::memory_order order) {
  const uint64_t seen = link_->consumed_cells.load(order);
  if (seen > next_.position) {
    poisoned_ = true;
    room_here_ = 0;
    return;
  }
  // Less than before is nothing new: a receiver that stores 32 bits at once, as guest/flat, passes
  // through smaller values once in 2^32 cells. One that lies stops its own link.
  consumed_ = std::max(consumed_, seen);
}

bool SmallLaneProducer::HasRoom(size_t payload_bytes) {
  if (payload_bytes > kMaxInlineBytes) return false;
  LoadCredits(std::memory_order_seq_cst);
  return !poisoned_ && Fits(CellsFor(payload_bytes));
}

bool SmallLaneProducer::Fits(uint32_t cells, uint32_t spare_cells) const {
  // The message, the skip before it if it does not fit into this lap, and one cell more.
  const uint32_t left = next_.CellsLeft();
  const uint32_t needed = (cells > left ? left : 0) + cells + 1 + spare_cells;
  return needed <= kLinkCells - (next_.position - consumed_);
}

bool SmallLaneProducer::LeavesRoom(size_t payload_bytes, uint32_t spare_cells) {
  const uint32_t cells = CellsFor(payload_bytes);
  if (Fits(cells, spare_cells)) return true;
  // Acquire: as in MakeRoom().
  LoadCredits(std::memory_order_acquire);
  return !poisoned_ && Fits(cells, spare_cells);
}

// True: there is room for `payload_bytes` in a row at next_, and room_here_ says so.
bool SmallLaneProducer::MakeRoom(size_t payload_bytes) {
  if (poisoned_ || payload_bytes > kMaxInlineBytes) return false;
  const uint32_t cells = CellsFor(payload_bytes);
  if (!Fits(cells)) {
    // Acquire: pairs with SmallLaneConsumer::PublishCredits; the consumer has read what we are to
    // overwrite.
    LoadCredits(std::memory_order_acquire);
    if (poisoned_ || !Fits(cells)) return false;
  }
  if (cells > next_.CellsLeft()) SkipRestOfLap();
  const auto free_cells = static_cast<uint32_t>(kLinkCells - (next_.position - consumed_));
  room_here_ = std::min(next_.CellsLeft(), free_cells - 1);
  return true;
}

void SmallLaneProducer::SkipRestOfLap() {
  // The cell at index 0 needs no clearing: each lap begins with a message.
  const uint32_t left = next_.CellsLeft();
  const SmallClaim rest{.header = &link_->cells[next_.index].header,
                        .lap = next_.lap,
                        .cells = static_cast<uint8_t>(left)};
  Occupy(left);
  Abandon(rest);
}

bool SmallLaneConsumer::IsSane(const CellHeader& header) const {
  switch (header.kind) {
    case CellKind::kInline:
      return IsSaneInline(header);
    case CellKind::kBulk:
    case CellKind::kBulkSkip:
      return header.cells == 1 && header.length == sizeof(BulkDescriptor);
    case CellKind::kLoan:
      return header.cells == 1 && header.length == sizeof(LoanDescriptor);
    case CellKind::kSkip:
      return header.cells != 0 && header.cells <= next_.CellsLeft();
  }
  return false;
}

// What Front() has seen is no message in cells, or nonsense.
FrontResult SmallLaneConsumer::FrontOther(uint64_t packed, SmallMessage& message) {
  // Bounded: a lap holds at most kLinkCells skips, and the peer may write faster than we read.
  for (uint32_t skips = 0; skips < kLinkCells && !poisoned_; ++skips) {
    const CellHeader header = UnpackCellHeader(packed);
    if (packed == 0 || IsOfTheLapBefore(header)) return NothingAt(packed);
    if (header.lap != next_.lap || !IsSane(header)) {
      poisoned_ = true;
      break;
    }
    front_cells_ = header.cells;
    if (header.kind != CellKind::kSkip) {
      message = {.kind = header.kind,
                 .tag = header.tag,
                 .payload = {link_->cells[next_.index].payload, header.length}};
      return FrontResult::kMessage;
    }
    Release();
    packed = link_->cells[next_.index].header.load(std::memory_order_seq_cst);
  }
  // The last one was not looked at.
  return poisoned_ ? FrontResult::kPoisoned : NothingAt(~packed);
}

void SmallLaneConsumer::PublishCredits() {
  published_ = next_.position;
  link_->consumed_cells.store(published_, std::memory_order_seq_cst);
}

}  // namespace tombolo

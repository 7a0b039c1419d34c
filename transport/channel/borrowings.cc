#include "transport/channel/borrowings.h"

#include "transport/base/offset.h"
#include "transport/base/units.h"

namespace tombolo {
std::optional<ExtentWord> Borrowings::LentHead(uint32_t first_extent, uint32_t generation) const {
  const std::span<SharedU64> map = region_.ExtentMap();
  if (first_extent >= map.size()) return std::nullopt;
  // seq_cst, and so acquire: what is read of the run afterwards is not older than its owner, and
  // what StillLent() stored comes before.
  const ExtentWord head = UnpackExtentWord(map[first_extent].load(std::memory_order_seq_cst));
  const bool is_memory = head.kind == ExtentKind::kMemory || head.kind == ExtentKind::kQuarantine;
  if (head.state != ExtentState::kHead || !is_memory || head.generation != generation ||
      head.owner != lender_.index || head.length > map.size() - first_extent) {
    return std::nullopt;
  }
  return head;
}

bool Borrowings::Begin(const LoanDescriptor& descriptor) {
  if (descriptor.slot >= kLoanSlots || (held_ >> descriptor.slot & 1) != 0) return false;
  const auto head = LentHead(descriptor.first_extent, descriptor.generation);
  if (!head) return false;
  const Offset first = region_.ExtentOffset(descriptor.first_extent);
  const uint64_t run_bytes = uint64_t{head->length} * kExtentBytes;
  if (descriptor.offset < first.bytes || descriptor.offset - first.bytes > run_bytes ||
      descriptor.length_bytes > run_bytes - (descriptor.offset - first.bytes)) {
    return false;
  }
  held_ |= uint64_t{1} << descriptor.slot;
  return true;
}

bool Borrowings::End(uint32_t slot) {
  const uint64_t bit = uint64_t{1} << slot;
  held_ &= ~bit;
  returned_ ^= bit;
  // seq_cst pair with OutLink::WantCredits: the bit first, then who waits for it. It also releases:
  // our last look at the memory is over.
  link_->returned_loans.store(returned_, std::memory_order_seq_cst);
  return link_->credit_wanted.load(std::memory_order_seq_cst) != 0;
}

bool Borrowings::StillLent(const BorrowedRun& run) const {
  // SUBTLE: says what it said before. A seq_cst store is not passed by the reads before it, nor by
  // the seq_cst look after it; without it a processor may look at the owner first and read then.
  link_->returned_loans.store(returned_, std::memory_order_seq_cst);
  return LentHead(run.first_extent, run.generation).has_value();
}

}  // namespace tombolo

#include "transport/channel/loan_slots.h"

#include <bit>

namespace tombolo {
namespace {

uint64_t BitOf(uint32_t slot) { return uint64_t{1} << slot; }

}  // namespace

std::optional<uint32_t> LoanSlots::Take(const EndedLoan& loan, uint64_t bytes) {
  if (~out_ == 0) return std::nullopt;
  const auto slot = static_cast<uint32_t>(std::countr_one(out_));
  out_ |= BitOf(slot);
  // As it is now, whatever it should be.
  bits_ = (bits_ & ~BitOf(slot)) | (ReturnedBits() & BitOf(slot));
  slots_[slot] = {.loan = loan, .bytes = bytes};
  lent_bytes_ += bytes;
  return slot;
}

void LoanSlots::Cancel(uint32_t slot) {
  out_ &= ~BitOf(slot);
  lent_bytes_ -= slots_[slot].bytes;
}

void LoanSlots::End(uint64_t which, std::vector<EndedLoan>& ended) {
  out_ &= ~which;
  for (; which != 0; which &= which - 1) {
    const Slot& slot = slots_[static_cast<size_t>(std::countr_zero(which))];
    lent_bytes_ -= slot.bytes;
    ended.push_back(slot.loan);
  }
}

void LoanSlots::Collect(std::vector<EndedLoan>& ended) {
  End((ReturnedBits() ^ bits_) & out_, ended);
}

void LoanSlots::EndAll(std::vector<EndedLoan>& ended) { End(out_, ended); }

}  // namespace tombolo

// LoanSlots: what one link has lent to its receiver, and what came back.
//
// Each loan takes one of kLoanSlots; the receiver flips the slot's bit in `returned_loans` when it
// has read it. So one word tells of all returns, in whatever order they come. A receiver that flips
// what it should not gives back loans of its own too early, and can do no other harm.
// Not thread-safe; used by OutLink only.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "transport/layout/link.h"

namespace tombolo {

// A loan that is over.
struct EndedLoan {
  uint32_t first_extent = 0;
  uint64_t cookie = 0;  // As its lender named it.
};

class LoanSlots {
 public:
  explicit LoanSlots(Link& link) : link_(&link) {}

  // A slot for a loan of `bytes`; nothing when all are out.
  std::optional<uint32_t> Take(const EndedLoan& loan, uint64_t bytes);

  // Takes a loan back that was not published.
  void Cancel(uint32_t slot);

  // Appends to `ended` what was given back.
  // Memory ordering: the load is seq_cst, and so acquires: the receiver's last look at the memory
  // is over (InLink::Return). It also is the second half of a pair: credit_wanted first, then this.
  void Collect(std::vector<EndedLoan>& ended);

  // The receiver is proven dead: all are over.
  void EndAll(std::vector<EndedLoan>& ended);

  bool AnyReturned() const { return (ReturnedBits() ^ bits_) & out_; }
  bool AnyOut() const { return out_ != 0; }
  uint64_t LentBytes() const { return lent_bytes_; }

 private:
  struct Slot {
    EndedLoan loan;
    uint64_t bytes = 0;
  };

  uint64_t ReturnedBits() const { return link_->returned_loans.load(std::memory_order_seq_cst); }
  void End(uint64_t which, std::vector<EndedLoan>& ended);

  Link* link_;
  uint64_t out_ = 0;   // Slots that are lent.
  uint64_t bits_ = 0;  // What each slot's bit was when it was lent.
  uint64_t lent_bytes_ = 0;
  std::array<Slot, kLoanSlots> slots_;
};

}  // namespace tombolo

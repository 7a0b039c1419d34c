// Borrowings: what this endpoint holds of one lender, the receiving half of loan_slots.h. It
// outlives the link, because a loan may be held longer than its lender lives. Not thread-safe; used
// by Channel, InLink and Loan only.
#pragma once

#include <cstdint>
#include <optional>

#include "transport/endpoint/endpoint_id.h"
#include "transport/layout/extent_word.h"
#include "transport/layout/link.h"
#include "transport/region/region.h"

namespace tombolo {

// The run that borrowed bytes lie in.
struct BorrowedRun {
  uint32_t first_extent = 0;
  uint32_t generation = 0;
  uint32_t slot = 0;
};

class Borrowings {
 public:
  Borrowings(const Region& region, EndpointId lender, Link& link)
      : region_(region), lender_(lender), link_(&link) {}

  // Checks `descriptor`, a private copy, and takes its slot. False: it makes no sense.
  bool Begin(const LoanDescriptor& descriptor);

  // Gives `slot` back. True: the lender sleeps and waits for that, so ring it.
  bool End(uint32_t slot);

  // Whether the run still is the lender's, of the same generation.
  bool StillLent(const BorrowedRun& run) const;

  bool AnyHeld() const { return held_ != 0; }
  EndpointId Lender() const { return lender_; }

 private:
  std::optional<ExtentWord> LentHead(uint32_t first_extent, uint32_t generation) const;

  Region region_;
  EndpointId lender_;
  Link* link_;
  uint64_t held_ = 0;      // Slots.
  uint64_t returned_ = 0;  // What `returned_loans` says: only we write it.
};

}  // namespace tombolo

// Loan: bytes of another endpoint's memory, read where they are.
//
// Dropping it gives them back; until then the lender does not put them to another use, and if it
// dies nobody else does: an endpoint that holds a loan of a dead one does not acknowledge that
// death. So whoever keeps a loan for long keeps memory from others.
//
// The lender may be hostile and write while we read: look at each byte once, or copy first, and
// believe a copy that must be whole only if Intact() afterwards. Drop it before its Channel, on the
// thread that polls. Movable, not copyable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "transport/channel/borrowings.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo {

class Channel;

class Loan {
 public:
  Loan(Channel& channel, std::shared_ptr<Borrowings> from, const BorrowedRun& run,
       std::span<const std::byte> bytes)
      : channel_(&channel), from_(std::move(from)), run_(run), bytes_(bytes) {}
  Loan(Loan&& other) noexcept = default;
  Loan& operator=(Loan&& other) = delete;
  ~Loan();

  std::span<const std::byte> Bytes() const { return bytes_; }
  EndpointId Lender() const { return from_->Lender(); }

  // Whether the memory still is what was lent: what was copied before is whole.
  bool Intact() const { return from_->StillLent(run_); }

 private:
  Channel* channel_;
  std::shared_ptr<Borrowings> from_;  // nullptr once it was moved from.
  BorrowedRun run_;
  std::span<const std::byte> bytes_;
};

}  // namespace tombolo

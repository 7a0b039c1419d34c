// Channel, the part about memory that is lent: both sides of it.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/membership_view.h"

namespace tombolo {
namespace {

// What one receiver may hold of us: more, and it gets copies.
constexpr uint64_t kMostLentDivisor = 8;

}  // namespace

Loan::~Loan() {
  if (from_ != nullptr) channel_->GiveBack(*from_, run_.slot);
}

absl::StatusOr<LendResult> Channel::TryLend(EndpointId peer, const RegionBuffer& buffer,
                                            uint64_t offset, uint64_t length_bytes, uint8_t tag,
                                            uint64_t cookie) {
  OutLink* link = FindOut(peer);
  if (link == nullptr) {
    return absl::NotFoundError(absl::StrCat("there is no open link to endpoint ", peer.index,
                                            "; Open() it, unless it has departed."));
  }
  const auto descriptor = lender_.Describe(buffer, offset, length_bytes);
  if (!descriptor) {
    return absl::InvalidArgumentError(
        absl::StrCat("[", offset, ", ", offset, " + ", length_bytes,
                     ") is not within a buffer of this endpoint that begins at extent ",
                     buffer.first_extent, "; lend what Allocate() gave and nobody freed."));
  }
  const LendResult result =
      link->TryLend(*descriptor, tag, cookie, region_.Limits().region_bytes / kMostLentDivisor);
  if (result != LendResult::kLent) {
    Count(result == LendResult::kTooMuchLent ? counters_.loans_refused : counters_.credit_stalls);
    return result;
  }
  lender_.Began(buffer.first_extent);
  if (std::ranges::find(borrowers_, peer.index) == borrowers_.end()) {
    borrowers_.push_back(peer.index);
  }
  Count(counters_.loans_lent);
  if (link->ReceiverParked()) Announce(peer);
  return result;
}

void Channel::DeliverLoan(InLink& link, const SmallMessage& message, ChannelHandler& handler) {
  Count(counters_.loans_borrowed);
  handler.OnLoan(link.Sender(), message.tag,
                 Loan(*this, link.Borrowed(), link.FrontLoan(), message.payload));
}

void Channel::GiveBack(Borrowings& borrowings, uint32_t slot) {
  const bool is_awaited = borrowings.End(slot);
  if (is_awaited && IsLive(region_, borrowings.Lender())) RingIfArmed(borrowings.Lender().index);
  if (acked_epoch_ != epoch_) Acknowledge();
}

void Channel::TellReturned(EndpointId borrower, const std::vector<EndedLoan>& ended,
                           ChannelHandler& handler) {
  for (const EndedLoan& loan : ended) {
    lender_.Ended(loan.first_extent);
    handler.OnReturned(borrower, loan.cookie);
  }
}

bool Channel::CollectReturns(ChannelHandler& handler) {
  bool any = false;
  for (size_t i = 0; i < borrowers_.size();) {
    const uint32_t peer = borrowers_[i];
    OutLink& link = *out_[peer];
    std::vector<EndedLoan> ended;
    link.CollectReturns(ended);
    any |= !ended.empty();
    const EndpointId borrower = link.Receiver();
    if (link.HasLent()) {
      ++i;
    } else {
      borrowers_.erase(borrowers_.begin() + static_cast<ptrdiff_t>(i));
    }
    TellReturned(borrower, ended, handler);
  }
  return any;
}

}  // namespace tombolo

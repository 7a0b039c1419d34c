// InLink: the receiving half of a link from one endpoint. The link lies in the sender's extents,
// which stay while this endpoint has not acknowledged the sender's death. Not thread-safe; used by
// Channel only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "transport/channel/borrowings.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/region/region.h"
#include "transport/ring/small_lane.h"

namespace tombolo {

// Which check a sender failed whose words made no sense.
enum class Fault { kHeader, kDescriptor, kLoan };

class InLink {
 public:
  // Finds the link from `sender` to `self` through the sender's directory. Nothing when there is
  // none yet, or when what stands there makes no sense.
  static std::unique_ptr<InLink> Find(const Region& region, EndpointId sender, EndpointId self);

  // Quick: since Front() last found nothing, nothing has changed and nothing is to be sent back.
  bool IsStillEmpty() {
    if (idle_polls == 0 || lane_.HasUnpublishedCredits() || !lane_.IsAsSeen()) return false;
    ++idle_polls;
    return true;
  }

  // The oldest message, in place, until Release(). kPoisoned: the sender's words made no sense;
  // drop it. The payload of a loan is what was lent; Borrow() it before Release().
  FrontResult Front(SmallMessage& message) {
    const FrontResult result = lane_.Front(message);
    front_is_bulk_ = false;
    if (result != FrontResult::kMessage) {
      ++idle_polls;
      return result;
    }
    idle_polls = 0;
    return message.kind == CellKind::kInline ? result : Resolve(message);
  }

  // Why Front() said kPoisoned.
  Fault WhatWasWrong() const { return fault_; }

  // The front message is a loan: which run its payload lies in. It is held from Front() on.
  const BorrowedRun& FrontLoan() const { return front_loan_; }

  // What is held of this sender; nullptr before its first loan.
  const std::shared_ptr<Borrowings>& Borrowed() const { return borrowings_; }

  // Gives the front message back. True: the sender sleeps for credits, so ring it.
  bool Release() {
    lane_.Release();
    if (front_is_bulk_) return ReleaseChunk();
    return lane_.CreditsDue() && FlushCredits();
  }

  // Sends credits back that were held so far. True: the sender sleeps for them, so ring it.
  bool FlushCredits() {
    if (!lane_.HasUnpublishedCredits()) return false;
    lane_.PublishCredits();
    // seq_cst pair with OutLink::WantCredits: credits first, then who wants them.
    return link_->credit_wanted.load(std::memory_order_seq_cst) != 0;
  }

  // Tells the sender that this link is not polled. False: a message came meanwhile, and it is not
  // parked. FlushCredits() afterwards: it may have passed over skips.
  bool TryPark();
  void Unpark();

  EndpointId Sender() const { return sender_; }

  // How often in a row Front() found nothing; the caller parks at some point.
  uint32_t idle_polls = 0;

 private:
  InLink(const Region& region, EndpointId sender, Link& link)
      : region_(region), sender_(sender), link_(&link), lane_(link) {}

  // What the front cell describes, if it is not the message itself.
  FrontResult Resolve(SmallMessage& message);
  FrontResult ResolveBulk(SmallMessage& message);
  FrontResult ResolveLoan(SmallMessage& message);
  FrontResult Poisoned(Fault fault);
  bool ReleaseChunk();

  Region region_;
  EndpointId sender_;
  Link* link_;
  SmallLaneConsumer lane_;
  uint64_t released_chunks_ = 0;
  bool front_is_bulk_ = false;
  Fault fault_ = Fault::kHeader;
  BorrowedRun front_loan_;
  std::shared_ptr<Borrowings> borrowings_;
};

}  // namespace tombolo

#include "tests/crash/member.h"

#include <utility>

#include "tests/crash/numbered_message.h"
#include "transport/channel/tags.h"

namespace tombolo::crash {
void Mailbox::OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) {
  if (streams != nullptr && tag == ToTag(AgentTag::kStream)) {
    return streams->OnMessage(source, payload);
  }
  ++received_total_;
  if (tag == kLastTag) last_.insert(source);
  uint64_t& due = received_[source];
  if (ReadNumbered(payload, source) == due) {
    ++due;
  } else {
    ++torn_;
  }
}

void Mailbox::OnLoan(EndpointId source, uint8_t tag, Loan loan) {
  OnMessage(source, tag, loan.Bytes());
  if (keeps_loans_) loans_.push_back(std::move(loan));
}

void Mailbox::OnDeparted(EndpointId peer) {
  if (streams != nullptr) streams->OnDeparted(peer);
}

// Cookies are the numbers of the loans: each comes back once, in whatever order.
void Mailbox::OnReturned(EndpointId, uint64_t) { ++returned_; }

void Mailbox::CheckLoans() {
  for (const Loan& loan : loans_) {
    if (!ReadNumbered(loan.Bytes(), loan.Lender()) || !loan.Intact()) ++torn_;
  }
}

uint64_t Mailbox::Received(EndpointId from) const {
  const auto found = received_.find(from);
  return found != received_.end() ? found->second : 0;
}

bool Member::TrySend(EndpointId to, size_t bytes, uint8_t tag) {
  Claim claim;
  if (!channel->Open(to).ok() || !channel->TryClaim(to, bytes, claim)) return false;
  WriteNumbered(claim.payload, Id(), sent[to]++);
  channel->Publish(claim, tag, bytes);
  return true;
}

}  // namespace tombolo::crash

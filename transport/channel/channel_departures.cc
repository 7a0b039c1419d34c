// Channel, the part about peers that depart or are dropped.
#include <algorithm>
#include <utility>

#include "transport/channel/channel.h"
#include "transport/endpoint/link_directory.h"
#include "transport/endpoint/membership_view.h"

namespace tombolo {

void Channel::DropLiars(ChannelHandler& handler) {
  for (uint32_t peer : std::exchange(liars_, {})) {
    if (out_[peer] == nullptr || !out_[peer]->Poisoned()) continue;
    Count(counters_.bad_credits);
    Drop(peer, handler);
  }
}

void Channel::CountFault(Fault fault) {
  switch (fault) {
    case Fault::kHeader:
      return Count(counters_.bad_headers);
    case Fault::kDescriptor:
      return Count(counters_.bad_descriptors);
    case Fault::kLoan:
      return Count(counters_.bad_loans);
  }
}

void Channel::TakeOutOfDirectory(const OutLink& link) {
  // SAFETY: as in Open().
  auto* entries = reinterpret_cast<LinkDirectoryEntry*>(region_.Extent(*directory_extent_));
  LinkDirectoryEntry& entry = entries[link.Receiver().index];
  // By now the link to the next holder of the index may stand there. Relaxed: only we write it.
  if (entry.load(std::memory_order_relaxed) != link.LinkExtent() + 1) return;
  entry.store(0, std::memory_order_relaxed);
}

void Channel::Bury(std::unique_ptr<OutLink> link, ChannelHandler& handler) {
  TakeOutOfDirectory(*link);
  std::vector<EndedLoan> ended;
  link->EndLoans(ended);
  TellReturned(link->Receiver(), ended, handler);
  if (link->HasOpenClaims()) {
    closing_.push_back(std::move(link));
  } else {
    link->FreeExtents(extents_);
  }
}

void Channel::CloseOut(uint32_t peer, ChannelHandler& handler) {
  std::unique_ptr<OutLink> link = std::move(out_[peer]);
  std::erase(out_peers_, peer);
  std::erase(borrowers_, peer);
  link->Close();
  // A peer that was dropped alive may still read the link and what was lent to it. Its entry in the
  // directory stays, so that after our own death the reaper waits for it.
  if (IsLive(region_, link->Receiver())) {
    exiles_.push_back(std::move(link));
  } else {
    Bury(std::move(link), handler);
  }
}

void Channel::BuryExiles(ChannelHandler& handler) {
  for (std::unique_ptr<OutLink>& link : std::exchange(exiles_, {})) {
    if (IsLive(region_, link->Receiver())) {
      exiles_.push_back(std::move(link));
    } else {
      Bury(std::move(link), handler);
    }
  }
}

void Channel::Drop(uint32_t peer, ChannelHandler& handler) {
  EndpointId id;
  if (in_[peer] != nullptr) {
    id = in_[peer]->Sender();
    const std::shared_ptr<Borrowings>& borrowed = in_[peer]->Borrowed();
    if (borrowed != nullptr && borrowed->AnyHeld()) owed_.push_back(borrowed);
    std::erase(active_, peer);
    std::erase(parked_, peer);
    in_[peer].reset();
  }
  if (out_[peer] != nullptr) {
    id = out_[peer]->Receiver();
    CloseOut(peer, handler);
  }
  dropped_[peer] = id.incarnation;
  handler.OnDeparted(id);
}

std::vector<uint32_t> Channel::FindDeparted() const {
  std::vector<uint32_t> departed;
  for (uint32_t peer : out_peers_) {
    if (!IsLive(region_, out_[peer]->Receiver())) departed.push_back(peer);
  }
  for (const std::vector<uint32_t>* peers : {&active_, &parked_}) {
    for (uint32_t peer : *peers) {
      if (!IsLive(region_, in_[peer]->Sender())) departed.push_back(peer);
    }
  }
  std::ranges::sort(departed);
  departed.erase(std::unique(departed.begin(), departed.end()), departed.end());
  return departed;
}

size_t Channel::HandleDepartures(ChannelHandler& handler, uint64_t epoch) {
  size_t delivered = 0;
  const std::vector<uint32_t> departed = FindDeparted();
  // Once more: one that we only sent to may have announced its first message and died since Poll()
  // looked at the inbox.
  ScanInbox();
  for (uint32_t peer : departed) {
    bool poisoned = false;
    if (in_[peer] != nullptr) delivered += Drain(*in_[peer], handler, kLinkCells, poisoned);
    Drop(peer, handler);
  }
  if (!exiles_.empty()) BuryExiles(handler);
  epoch_ = epoch;
  Acknowledge();
  return delivered;
}

void Channel::Acknowledge() {
  std::erase_if(owed_, [](const auto& borrowed) { return !borrowed->AnyHeld(); });
  for (const auto& borrowed : owed_) {
    if (!IsLive(region_, borrowed->Lender())) return;
  }
  acked_epoch_ = epoch_;
  // Release: pairs with the reaper's acquire; nothing of the dead is read after this.
  line_.acked_epoch.store(epoch_, std::memory_order_release);
}

void Channel::Retire() {
  // Release: as in Acknowledge(), for all deaths to come.
  line_.acked_epoch.store(UINT64_MAX, std::memory_order_release);
}

}  // namespace tombolo

#include "transport/channel/channel.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"
#include "transport/endpoint/link_directory.h"
#include "transport/endpoint/membership_view.h"
#include "transport/region/region_copy.h"

namespace tombolo {
namespace {

absl::Status NotAlive(EndpointId id) {
  return absl::NotFoundError(
      absl::StrCat("endpoint ", id.index, " (incarnation ", id.incarnation, ") is not alive."));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Channel>> Channel::Create(Endpoint& endpoint) {
  absl::StatusOr<Waiter> waiter = Waiter::Create(endpoint.WakeFd());
  if (!waiter.ok()) return waiter.status();
  return std::unique_ptr<Channel>(new Channel(endpoint, *std::move(waiter)));
}

Channel::Channel(Endpoint& endpoint, Waiter waiter)
    : endpoint_(endpoint),
      region_(endpoint.SharedRegion()),
      extents_(region_.ExtentMap()),
      self_(endpoint.Id()),
      line_(region_.Line(self_.index)),
      counters_(region_.Counters(self_.index)),
      inbox_(region_.InboxRow(self_.index)),
      pool_(region_, extents_, static_cast<uint16_t>(self_.index)),
      lender_(region_, extents_, static_cast<uint16_t>(self_.index)),
      waiter_(std::move(waiter)) {
  const uint32_t count = region_.Limits().endpoint_count;
  out_.resize(count);
  in_.resize(count);
  inbox_sent_.resize(count);
  dropped_.resize(count);
  line_.armed.store(0, std::memory_order_relaxed);
  line_.link_directory.store(0, std::memory_order_relaxed);
  line_.incarnation.store(self_.incarnation, std::memory_order_relaxed);
  epoch_ = region_.MembershipEpoch().load(std::memory_order_acquire);
  acked_epoch_ = epoch_;
  line_.acked_epoch.store(epoch_, std::memory_order_release);
  inbox_seen_.resize(inbox_.size());
}

absl::Status Channel::EnsureDirectory() {
  if (directory_extent_) return absl::OkStatus();
  const uint32_t count = LinkDirectoryExtents(region_.Limits().endpoint_count);
  directory_extent_ =
      extents_.Claim(count, static_cast<uint16_t>(self_.index), ExtentKind::kLinkDirectory);
  if (!directory_extent_) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the region has no ", count,
                     " free extents for a directory of links; make it larger "
                     "(tombolod --size)."));
  }
  Zero(region_.Type(), {region_.Extent(*directory_extent_), uint64_t{count} * kExtentBytes});
  // Pairs with FindLinkExtent; seq_cst for the same reason as in Open().
  line_.link_directory.store(*directory_extent_ + 1, std::memory_order_seq_cst);
  return absl::OkStatus();
}

absl::Status Channel::Open(EndpointId peer) {
  if (FindOut(peer) != nullptr) return absl::OkStatus();
  if (peer.index >= out_.size() || !IsLive(region_, peer) || out_[peer.index] != nullptr) {
    return NotAlive(peer);
  }
  if (dropped_[peer.index] == peer.incarnation) {
    return absl::NotFoundError(absl::StrCat("endpoint ", peer.index,
                                            " was dropped, because what it wrote made no sense."));
  }
  if (absl::Status status = EnsureDirectory(); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<OutLink>> link =
      OutLink::Create(region_, extents_, pool_, self_, peer);
  if (!link.ok()) return link.status();
  // SAFETY: the directory holds endpoint_count entries, and peer.index is below that.
  auto* entries = reinterpret_cast<LinkDirectoryEntry*>(region_.Extent(*directory_extent_));
  // Pairs with FindLinkExtent; the link is formatted. seq_cst pair with the daemon, which writes a
  // death and then looks who is linked with the dead: the entry first, then whether it is alive.
  entries[peer.index].store((*link)->LinkExtent() + 1, std::memory_order_seq_cst);
  if (!IsLive(region_, peer)) {
    // SUBTLE: it may have been reaped as one that nobody is linked with, and its index may serve
    // the next one, which would be dropped with it when this link is found to be dead.
    entries[peer.index].store(0, std::memory_order_relaxed);
    (*link)->FreeExtents(extents_);
    return NotAlive(peer);
  }
  inbox_sent_[peer.index] =
      region_.InboxByte(peer.index, self_.index).load(std::memory_order_relaxed);
  out_[peer.index] = *std::move(link);
  out_peers_.push_back(peer.index);
  return absl::OkStatus();
}

size_t Channel::MaxPayloadBytes(EndpointId peer) const {
  const OutLink* link = FindOut(peer);
  return link != nullptr ? link->MaxPayloadBytes() : 0;
}

bool Channel::TryClaimFrom(OutLink& link, size_t payload_bytes, Claim& claim) {
  if (payload_bytes > kBulkChunkBytes) return false;
  if (link.TryClaim(payload_bytes, claim)) return true;
  // Other links may not have noticed yet what their receivers gave back.
  if (payload_bytes > kMaxInlineBytes && !pool_.HasFree() && ReclaimAllChunks() &&
      link.TryClaim(payload_bytes, claim)) {
    return true;
  }
  Count(counters_.credit_stalls);
  const uint32_t peer = link.Receiver().index;
  if (link.Poisoned() && std::ranges::find(liars_, peer) == liars_.end()) {
    // Not dropped here: the caller may be in the middle of its links.
    liars_.push_back(peer);
  }
  return false;
}

bool Channel::ReclaimAllChunks() {
  for (uint32_t peer : out_peers_) out_[peer]->ReclaimChunks();
  if (pool_.ChunkCount() == 0) Count(counters_.bulk_fallbacks);
  return pool_.HasFree();
}

void Channel::TrimPool() {
  if (pool_.ChunkCount() == 0) return;
  for (uint32_t peer : out_peers_) {
    out_[peer]->ReclaimChunks();
    out_[peer]->LeavePool();
  }
  pool_.Trim();
}

void Channel::PublishBulk(const Claim& claim, uint8_t tag, size_t payload_bytes, More more) {
  claim.link->PublishBulk(claim, tag, payload_bytes, more);
  Published(*claim.link, payload_bytes, more);
}

void Channel::Abandon(const Claim& claim) {
  OutLink& link = *claim.link;
  link.Abandon(claim);
  if (link.Closed()) return EndClaimOfClosed(link);
  // What was published after this claim waits behind it, so it is told of as a message is.
  if (link.ReceiverParked()) Announce(link.Receiver());
}

void Channel::EndClaimOfClosed(OutLink& link) {
  if (link.HasOpenClaims()) return;
  const auto closing =
      std::ranges::find_if(closing_, [&](const auto& closing) { return closing.get() == &link; });
  // An exile's extents come back when it is dead, and not before.
  if (closing == closing_.end()) return;
  link.FreeExtents(extents_);
  closing_.erase(closing);
}

void Channel::Announce(EndpointId peer) {
  SharedU8& byte = region_.InboxByte(peer.index, self_.index);
  byte.store(++inbox_sent_[peer.index], std::memory_order_seq_cst);
  RingIfArmed(peer.index);
}

void Channel::RingIfArmed(uint32_t index) {
  if (region_.Line(index).armed.load(std::memory_order_seq_cst) == 0) {
    Count(counters_.doorbells_suppressed);
    return;
  }
  const uint64_t location = region_.Endpoint(index).location.load(std::memory_order_relaxed);
  endpoint_.Doorbells().Ring(LocationSlot(location), LocationVector(location));
  Count(counters_.doorbells_sent);
}

size_t Channel::Drain(InLink& link, ChannelHandler& handler, size_t budget, bool& poisoned) {
  size_t delivered = 0;
  uint64_t bytes = 0;
  bool ring = false;
  SmallMessage message;
  for (size_t i = 0; i < budget; ++i) {
    const FrontResult result = link.Front(message);
    if (result != FrontResult::kMessage) {
      poisoned = result == FrontResult::kPoisoned;
      break;
    }
    if (message.kind != CellKind::kBulkSkip) {
      ++delivered;
      bytes += message.payload.size();
      if (message.kind == CellKind::kLoan) {
        DeliverLoan(link, message, handler);
      } else {
        handler.OnMessage(link.Sender(), message.tag, message.payload);
      }
    }
    ring |= link.Release();
  }
  if (delivered != 0) {
    Count(counters_.messages_received, delivered);
    Count(counters_.bytes_received, bytes);
  } else {
    // A lane that is empty has no later message with which the credits could travel.
    ring |= link.FlushCredits();
  }
  if (ring) RingIfArmed(link.Sender().index);
  return delivered;
}

size_t Channel::PollActive(ChannelHandler& handler) {
  size_t delivered = 0;
  for (size_t i = 0; i < active_.size();) {
    const uint32_t peer = active_[i];
    InLink& link = *in_[peer];
    if (link.idle_polls < kIdlePollsBeforePark && link.IsStillEmpty()) {
      ++i;
      continue;
    }
    bool poisoned = false;
    delivered += Drain(link, handler, kPollBudget, poisoned);
    if (poisoned) {
      CountFault(link.WhatWasWrong());
      Drop(peer, handler);
    } else if (link.idle_polls >= kIdlePollsBeforePark && TryPark(link)) {
      parked_.push_back(peer);
      active_.erase(active_.begin() + static_cast<ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
  return delivered;
}

size_t Channel::Poll(ChannelHandler& handler) {
  // Acquire: pairs with the daemon's release; the member table is at least as new. Loaded before
  // the inbox is scanned, so that a link made before a death is found before that death is
  // acknowledged.
  const uint64_t epoch = region_.MembershipEpoch().load(std::memory_order_acquire);
  links_since_look_ += active_.size();
  // All of the inbox also after a ring, which somebody had a reason for.
  if (epoch != epoch_ || !inbox_scanned_ || rang_) {
    ScanInbox();
  } else if (active_.empty() || links_since_look_ >= kLinksPerLook) {
    links_since_look_ = 0;
    ScanPartOfInbox();
  }
  size_t delivered = PollActive(handler);
  bool is_quiet = epoch == epoch_ && liars_.empty();
  if (!liars_.empty()) DropLiars(handler);
  if (!borrowers_.empty()) is_quiet &= !CollectReturns(handler);
  if (epoch != epoch_) delivered += HandleDepartures(handler, epoch);
  const bool came = delivered != 0 || !is_quiet;
  if (came) waiter_.WasWorthIt();
  if (rang_) NoteWakeup(came);
  return delivered;
}

void Channel::NoteWakeup(bool came) {
  rang_ = false;
  if (came) return;
  Count(counters_.vain_wakeups);
  if (waiter_.RangInVain(MonotonicNs())) Count(counters_.storms);
}

bool Channel::LookAgain() {
  if (region_.MembershipEpoch().load(std::memory_order_seq_cst) != epoch_) return true;
  bool pending = ScanInbox() || !liars_.empty();
  for (uint32_t peer : out_peers_) pending |= out_[peer]->WantCredits();
  return pending;
}

bool Channel::TryPark(InLink& link) {
  if (!link.TryPark()) return false;
  // Also those of skips that were passed over while parking: nobody announces them, and nobody
  // looks at this link again until something is announced.
  if (link.FlushCredits()) RingIfArmed(link.Sender().index);
  return true;
}

bool Channel::PrepareToSleep() {
  // Backwards, because parking takes entries out.
  for (size_t i = active_.size(); i-- > 0;) {
    if (!TryPark(*in_[active_[i]])) return false;
    parked_.push_back(active_[i]);
    active_.erase(active_.begin() + static_cast<ptrdiff_t>(i));
  }
  line_.armed.store(1, std::memory_order_seq_cst);
  if (!LookAgain()) {
    Count(counters_.sleeps);
    return true;
  }
  WakeUp();
  return false;
}

void Channel::WakeUp() {
  const bool credits_came = Disarm();
  rang_ = (waiter_.Clear() || rang_) && !credits_came;
}

// Whether credits have come meanwhile that somebody waits for.
bool Channel::Disarm() {
  // Relaxed: a sender that still sees 1 rings once too often.
  line_.armed.store(0, std::memory_order_relaxed);
  links_since_look_ = kLinksPerLook;  // What there was to wake up for is found by the next poll.
  bool credits_came = false;
  for (uint32_t peer : out_peers_) {
    credits_came |= out_[peer]->WantCredits();
    out_[peer]->ForgetCredits();
  }
  if (credits_came) waiter_.WasWorthIt();
  if (waiter_.IsDeaf()) waiter_.Recover(MonotonicNs());
  return credits_came;
}

void Channel::SleptInVain() {
  waiter_.LengthenBackoff();
  if (waiter_.BackoffNs() == Waiter::kLongestSleepNs) TrimPool();
}

void Channel::Sleep(int64_t limit_ns) {
  if (!PrepareToSleep()) return;
  // It forgets the rings that it tells of: no other call for that between a ring and the message.
  const bool rang = waiter_.Sleep(limit_ns);
  if (!rang && waiter_.BackoffNs() == Waiter::kLongestSleepNs) TrimPool();
  const bool credits_came = Disarm();
  rang_ = (rang || rang_) && !credits_came;
}

size_t Channel::Wait(ChannelHandler& handler, int64_t limit_ns) {
  const int64_t begin_ns = MonotonicNs();
  const int64_t spin_until_ns = begin_ns + std::min(limit_ns, spin_.BudgetNs());
  do {
    if (const size_t delivered = Poll(handler); delivered != 0) {
      spin_.PaidOff();
      return delivered;
    }
  } while (MonotonicNs() < spin_until_ns);
  const int64_t asleep_ns = MonotonicNs();
  Sleep(limit_ns - (asleep_ns - begin_ns));
  spin_.Slept(MonotonicNs() - asleep_ns);
  return Poll(handler);
}

}  // namespace tombolo

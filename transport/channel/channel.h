// Channel: messages between this endpoint and all others of the region.
//
//   sender                                        receiver
//   TryClaim(peer, n) -> Claim with a span        Poll(handler) -> handler.OnMessage(source, tag,
//   span) fill the span in place Publish(claim, tag)
//
// Nothing is copied in between: up to kMaxInlineBytes lie in the cells of the link, more (up to
// kBulkChunkBytes) in a chunk of the sender's pool, and so do messages from 512 B on while the
// cells have no room for them. Messages of one link arrive in the order of their claims. Memory
// from Allocate() is lent instead: the message says where it lies, and the receiver reads it there
// and gives it back, whatever its size.
//
// Sleeping (the protocol of transport/layout/link.h, endpoint_line.h and inbox.h in one place)
//   The receiver polls the links that have been busy lately. One that stays empty is parked: the
//   sender, which looks at `parked` after every publish, then changes its byte in the receiver's
//   inbox row, which the receiver polls too. To sleep, the receiver parks all links, sets `armed`,
//   and looks at everything once more; a sender that has changed its byte looks at `armed` and
//   rings. Each pair (header / parked, inbox byte / armed, credits / credit_wanted) is one store
//   and one load of the other's word on both sides, all seq_cst: whichever comes first, one of the
//   two sees the other.
//
// Death
//   When the membership epoch moves, links to and from the dead are closed: what the dead one
//   published is delivered first, then OnDeparted() is called once. The epoch is acknowledged once
//   no loan of anybody dead is held; after that the daemon gives the dead one's memory to others.
//
// Peers may be hostile: a link whose words make no sense is dropped and counted, as if its sender
// had departed. Not thread-safe: one thread at a time. Nothing here allocates, locks or makes a
// system call once a link is open, except ringing a sleeper.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/alloc/extent_map.h"
#include "transport/channel/borrowings.h"
#include "transport/channel/bulk_pool.h"
#include "transport/channel/in_link.h"
#include "transport/channel/lender.h"
#include "transport/channel/loan.h"
#include "transport/channel/out_link.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/wait/adaptive_spin.h"
#include "transport/wait/waiter.h"

namespace tombolo {

class ChannelHandler {
 public:
  virtual ~ChannelHandler() = default;

  // `payload` lies in shared memory and is gone when this returns. The sender may change it
  // meanwhile: whoever does not trust it copies it once and checks the copy. May claim and publish;
  // must not call Poll().
  virtual void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) = 0;

  // As OnMessage(), for memory that `source` lent: whoever keeps `loan` may read it until it is
  // dropped. Unless it is overridden a loan is a message like any other.
  virtual void OnLoan(EndpointId source, uint8_t tag, Loan loan) {
    OnMessage(source, tag, loan.Bytes());
  }

  // `borrower` gave the loan back that was lent with `cookie`, or is proven dead.
  virtual void OnReturned(EndpointId borrower, uint64_t cookie) {
    (void)borrower;
    (void)cookie;
  }

  // `peer` is dead or was dropped; claims to it fail from now on.
  virtual void OnDeparted(EndpointId peer) = 0;
};

class Channel {
 public:
  // `endpoint` must outlive the channel.
  static absl::StatusOr<std::unique_ptr<Channel>> Create(Endpoint& endpoint);

  // Makes sure there is a link to `peer`. NotFound: it is not alive, or was dropped.
  // ResourceExhausted: the region is full.
  absl::Status Open(EndpointId peer);

  // What large messages go through has at most so many bytes, instead of what suits the host's
  // caches (bulk_pool.h). Before the first of them.
  void SetPoolBytes(uint64_t bytes) { pool_.SetTarget(bytes); }

  // What one message to an open peer may hold: a chunk if there are chunks, which the first message
  // that needs one finds out, unless other receivers hold them all; else kMaxInlineBytes.
  size_t MaxPayloadBytes(EndpointId peer) const;

  // Claims `payload_bytes` of a link that is open. False: no credits now, the link is closed, or
  // the message is larger than MaxPayloadBytes() says after this.
  bool TryClaim(EndpointId peer, size_t payload_bytes, Claim& claim) {
    OutLink* link = FindOut(peer);
    if (link == nullptr) return false;
    return link->TryClaimQuickly(payload_bytes, claim) || TryClaimFrom(*link, payload_bytes, claim);
  }

  // Publishes the first `payload_bytes` of the claim; at most what was claimed. With kMoreFollows
  // the receiver is not looked after until a message to the same peer is published without it,
  // which must happen before this thread does anything else: one fence for a batch.
  void Publish(const Claim& claim, uint8_t tag, size_t payload_bytes, More more = More::kNo) {
    if (claim.bulk_offset != 0) return PublishBulk(claim, tag, payload_bytes, more);
    claim.link->PublishInline(claim, tag, payload_bytes, more);
    Published(*claim.link, payload_bytes, more);
  }
  void Abandon(const Claim& claim);

  // Memory of the region that may be lent; the errors are those of Lender.
  absl::StatusOr<RegionBuffer> Allocate(uint64_t size_bytes) {
    return lender_.Allocate(size_bytes);
  }
  // At once; what is lent waits until it is returned.
  absl::Status Free(const RegionBuffer& buffer) { return lender_.Free(buffer); }
  // Loans of the buffer that are out, as of the last Poll().
  uint32_t LoanCount(const RegionBuffer& buffer) const { return lender_.LoanCount(buffer); }

  // Lends [offset, offset + length) of `buffer`, which must not be written until it is back. One
  // receiver holds at most kLoanSlots loans, and at most an eighth of the region. NotFound: the
  // peer is not open. InvalidArgument: not within a buffer of this endpoint.
  absl::StatusOr<LendResult> TryLend(EndpointId peer, const RegionBuffer& buffer, uint64_t offset,
                                     uint64_t length_bytes, uint8_t tag, uint64_t cookie);

  // Delivers what has come, at most kPollBudget messages of each link, and tells of departures.
  // Whoever sent lately is looked at in each poll; for whoever else has something to say a part of
  // the inbox is, in one poll of kLinksPerLook at least. Gives the number of messages delivered.
  size_t Poll(ChannelHandler& handler);

  // Polls until something was delivered or somebody departed, at most `limit_ns`: looks for a
  // while, as long as that pays off, and then sleeps. Gives the number of messages delivered; 0
  // also after a departure, a return, or a ring in vain.
  size_t Wait(ChannelHandler& handler, int64_t limit_ns);

  // Sleeps until something may have come, at most `limit_ns`. Returns at once if it has. Poll()
  // afterwards.
  void Sleep(int64_t limit_ns);

  // The same in two halves, for event loops of other kinds: while PrepareToSleep() is true, wait
  // for Readable() at most MaxSleepNs(), then WakeUp() and Poll().
  bool PrepareToSleep();
  int Readable() const { return waiter_.Fd(); }
  int64_t MaxSleepNs() const { return waiter_.BackoffNs(); }
  void WakeUp();

  // Nothing came in all of MaxSleepNs(): the next sleep may be longer. A message makes it short
  // again.
  void SleptInVain();

  // The end of an endpoint that stays a member, for the sake of its own memory: it reads nothing of
  // others any more, so nobody's death waits for it. Nothing but the destructor may be called after
  // this; its links and their last messages stay for their receivers.
  void Retire();

  EndpointId Self() const { return self_; }
  const Region& SharedRegion() const { return region_; }

 private:
  static constexpr size_t kPollBudget = 32;
  static constexpr uint32_t kIdlePollsBeforePark = 4096;
  // So many active links are looked at before the inbox is, once more, which takes longer.
  static constexpr size_t kLinksPerLook = 8;

  Channel(Endpoint& endpoint, Waiter waiter);

  absl::Status EnsureDirectory();
  OutLink* FindOut(EndpointId peer) const {
    if (peer.index >= out_.size()) return nullptr;
    OutLink* link = out_[peer.index].get();
    return link != nullptr && link->Receiver() == peer ? link : nullptr;
  }
  bool ReclaimAllChunks();
  void TrimPool();

  void PublishBulk(const Claim& claim, uint8_t tag, size_t payload_bytes, More more);
  void Published(OutLink& link, size_t payload_bytes, More more) {
    Count(counters_.messages_sent);
    Count(counters_.bytes_sent, payload_bytes);
    if (link.Closed()) return EndClaimOfClosed(link);
    if (more == More::kNo && link.ReceiverParked()) Announce(link.Receiver());
  }
  void Announce(EndpointId peer);
  void RingIfArmed(uint32_t index);

  size_t Drain(InLink& link, ChannelHandler& handler, size_t budget, bool& poisoned);
  size_t PollActive(ChannelHandler& handler);
  uint32_t InboxLines() const;
  bool ScanInbox();
  void ScanPartOfInbox();
  bool ScanInboxLines(uint32_t first, uint32_t end, bool is_first);
  bool ScanInboxWord(uint32_t index, bool is_first);
  bool Admit(uint32_t sender);
  size_t HandleDepartures(ChannelHandler& handler, uint64_t epoch);
  std::vector<uint32_t> FindDeparted() const;
  void Drop(uint32_t peer, ChannelHandler& handler);
  void DropLiars(ChannelHandler& handler);
  void CloseOut(uint32_t peer, ChannelHandler& handler);
  void TakeOutOfDirectory(const OutLink& link);
  void Bury(std::unique_ptr<OutLink> link, ChannelHandler& handler);
  void BuryExiles(ChannelHandler& handler);
  void Acknowledge();
  bool TryClaimFrom(OutLink& link, size_t payload_bytes, Claim& claim);
  void EndClaimOfClosed(OutLink& link);
  bool TryPark(InLink& link);
  bool Disarm();
  bool LookAgain();
  void NoteWakeup(bool came);

  friend class Loan;
  void DeliverLoan(InLink& link, const SmallMessage& message, ChannelHandler& handler);
  bool CollectReturns(ChannelHandler& handler);
  void TellReturned(EndpointId borrower, const std::vector<EndedLoan>& ended,
                    ChannelHandler& handler);
  void GiveBack(Borrowings& borrowings, uint32_t slot);
  void CountFault(Fault fault);

  // This endpoint is the only writer, so no read-modify-write is needed.
  static void Count(SharedU64& counter, uint64_t amount = 1) {
    counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }

  Endpoint& endpoint_;
  Region region_;
  ExtentMap extents_;
  EndpointId self_;
  EndpointLine& line_;
  EndpointCounters& counters_;
  std::span<SharedU64> inbox_;
  BulkPool pool_;
  Lender lender_;
  Waiter waiter_;
  AdaptiveSpin spin_;
  bool rang_ = false;  // Since the last Poll().

  uint64_t epoch_ = 0;        // Of the membership, as far as handled.
  uint64_t acked_epoch_ = 0;  // As far as others know; less while loans of the dead are held.
  std::vector<uint64_t> inbox_seen_;
  bool inbox_scanned_ = false;
  size_t links_since_look_ = 0;      // At the inbox.
  uint32_t inbox_next_line_ = 0;     // Where the next poll looks on.
  std::vector<uint8_t> inbox_sent_;  // What our byte in each receiver's row says.

  std::optional<uint32_t> directory_extent_;
  std::vector<std::unique_ptr<OutLink>> out_;  // By endpoint index, as in_.
  std::vector<std::unique_ptr<InLink>> in_;
  std::vector<uint32_t> out_peers_;
  std::vector<std::unique_ptr<OutLink>> closing_;  // Departed receivers, claims still open.
  std::vector<std::unique_ptr<OutLink>> exiles_;   // Receivers that were dropped alive.
  std::vector<uint32_t> borrowers_;  // By endpoint index: receivers that hold loans of ours.
  std::vector<std::shared_ptr<Borrowings>> owed_;  // Held of senders that departed.
  std::vector<uint32_t> dropped_;  // By endpoint index: the incarnation whose words made no sense.
  std::vector<uint32_t> liars_;  // Receivers whose credits made no sense; dropped at the next poll.
  std::vector<uint32_t> active_;  // Indices into in_ that are polled.
  std::vector<uint32_t> parked_;
};

}  // namespace tombolo

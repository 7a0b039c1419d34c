// Channel: messages between this endpoint and all others of the region.
//
//   sender                                        receiver
//   TryClaim(peer, n) -> Claim with a span        Poll(handler) -> handler.OnMessage(source, tag,
//   span) fill the span in place Publish(claim, tag)
//
// Nothing is copied in between: up to kMaxInlineBytes lie in the cells of the link, more (up to
// kBulkChunkBytes) in a chunk of the link's bulk lane. Messages of one link arrive in the order of
// their claims.
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
//   published is delivered first, then OnDeparted() is called once, and only then the epoch is
//   acknowledged, after which the daemon gives the dead one's memory to others.
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
#include "transport/channel/in_link.h"
#include "transport/channel/out_link.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/wait/waiter.h"

namespace tombolo {

class ChannelHandler {
 public:
  virtual ~ChannelHandler() = default;

  // `payload` lies in shared memory and is gone when this returns. The sender may change it
  // meanwhile: whoever does not trust it copies it once and checks the copy. May claim and publish;
  // must not call Poll().
  virtual void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) = 0;

  // `peer` is dead or was dropped; claims to it fail from now on.
  virtual void OnDeparted(EndpointId peer) = 0;
};

class Channel {
 public:
  // `endpoint` must outlive the channel.
  static absl::StatusOr<std::unique_ptr<Channel>> Create(Endpoint& endpoint);

  // Makes sure there is a link to `peer`. NotFound: it is not alive. ResourceExhausted: the region
  // is full.
  absl::Status Open(EndpointId peer);

  // What one message to an open peer may hold; more once it has a bulk lane, which is claimed at
  // the first message that needs it.
  size_t MaxPayloadBytes(EndpointId peer) const;

  // Claims `payload_bytes` of a link that is open. False: no credits now, the link is closed, or
  // the message is too large for what the region could give.
  bool TryClaim(EndpointId peer, size_t payload_bytes, Claim& claim);

  // Publishes the first `payload_bytes` of the claim; at most what was claimed.
  void Publish(const Claim& claim, uint8_t tag, size_t payload_bytes);
  void Abandon(const Claim& claim);

  // Delivers what has come, at most kPollBudget messages of each link, and tells of departures.
  // Gives the number of messages delivered.
  size_t Poll(ChannelHandler& handler);

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
  void SleptInVain() { waiter_.LengthenBackoff(); }

  EndpointId Self() const { return self_; }

 private:
  static constexpr size_t kPollBudget = 32;
  static constexpr uint32_t kIdlePollsBeforePark = 4096;

  Channel(Endpoint& endpoint, Waiter waiter);

  absl::Status EnsureDirectory();
  OutLink* FindOut(EndpointId peer) const;
  uint64_t BulkLaneBytes() const;

  void Announce(EndpointId peer);
  void RingIfArmed(uint32_t index);

  size_t Drain(InLink& link, ChannelHandler& handler, size_t budget, bool& poisoned);
  size_t PollActive(ChannelHandler& handler);
  bool ScanInbox();
  bool Admit(uint32_t sender);
  size_t HandleDepartures(ChannelHandler& handler, uint64_t epoch);
  std::vector<uint32_t> FindDeparted() const;
  void Drop(uint32_t peer, ChannelHandler& handler);
  void DropLiars(ChannelHandler& handler);
  void CloseOut(uint32_t peer);
  void EndClaim(OutLink& link);
  bool LookAgain();

  void Count(SharedU64& counter, uint64_t amount = 1);

  Endpoint& endpoint_;
  Region region_;
  ExtentMap extents_;
  EndpointId self_;
  Waiter waiter_;

  uint64_t epoch_ = 0;  // Of the membership, as far as handled.
  std::vector<uint64_t> inbox_seen_;
  bool inbox_scanned_ = false;
  std::vector<uint8_t> inbox_sent_;  // What our byte in each receiver's row says.

  std::optional<uint32_t> directory_extent_;
  std::vector<std::unique_ptr<OutLink>> out_;  // By endpoint index, as in_.
  std::vector<std::unique_ptr<InLink>> in_;
  std::vector<uint32_t> out_peers_;
  std::vector<std::unique_ptr<OutLink>> closing_;  // Departed receivers, claims still open.
  std::vector<uint32_t> dropped_;  // By endpoint index: the incarnation whose words made no sense.
  std::vector<uint32_t> liars_;  // Receivers whose credits made no sense; dropped at the next poll.
  std::vector<uint32_t> active_;  // Indices into in_ that are polled.
  std::vector<uint32_t> parked_;
};

}  // namespace tombolo

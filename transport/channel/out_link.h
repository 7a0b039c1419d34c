// OutLink: the sending half of a link to one endpoint. It owns the link's extent, and the chunks of
// the pool that the receiver still reads, and gives them back when it is closed. Not thread-safe;
// used by Channel only.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "transport/alloc/extent_map.h"
#include "transport/channel/bulk_pool.h"
#include "transport/channel/loan_slots.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/region/region.h"
#include "transport/ring/small_lane.h"

namespace tombolo {

class OutLink;

// A message that is being written: fill `payload`, then publish or abandon it, in any case one of
// the two. It stays valid when the receiver departs meanwhile.
struct Claim {
  std::span<std::byte> payload;
  OutLink* link = nullptr;
  SmallClaim cell;
  uint64_t bulk_offset = 0;  // From the region's base; 0: the payload lies in the cells.
  uint32_t chunk_place = 0;  // Of a chunk, among those of its link.
};

// Whether more is published right after this.
enum class More { kNo, kMoreFollows };

enum class LendResult {
  kLent,
  kNoCredits,    // No room in the link now: poll and try again.
  kTooMuchLent,  // To this peer: wait until it gives something back, or send a copy.
};

class OutLink {
 public:
  // Claims and formats an extent for a link from `self` to `receiver`. ResourceExhausted when the
  // region is full.
  // `pool` must outlive the link.
  static absl::StatusOr<std::unique_ptr<OutLink>> Create(const Region& region, ExtentMap& extents,
                                                         BulkPool& pool, EndpointId self,
                                                         EndpointId receiver);

  // Gives extent and chunks back. Only when nobody reads them any more: the receiver is proven
  // dead.
  void FreeExtents(ExtentMap& extents);

  // What a message can hold that is claimed sooner or later: a chunk, unless other links hold all
  // of the pool's.
  size_t MaxPayloadBytes() const;

  // At most kBulkChunkBytes. False: no credits now, or no chunk.
  bool TryClaim(size_t payload_bytes, Claim& claim);

  // The same, for most small messages; false when TryClaim() is to be asked.
  bool TryClaimQuickly(size_t payload_bytes, Claim& claim) {
    if (payload_bytes >= kLeastBulkBytes) return false;
    if (!lane_.TryClaimQuickly(payload_bytes, claim.cell)) return false;
    ClaimedInline(payload_bytes, claim);
    return true;
  }
  // By where the payload lies: in the cells, or in a chunk.
  void PublishInline(const Claim& claim, uint8_t tag, size_t payload_bytes, More more) {
    --open_claims_;
    SmallLaneProducer::Publish(claim.cell, CellKind::kInline, tag, payload_bytes, OrderFor(more));
  }
  void PublishBulk(const Claim& claim, uint8_t tag, size_t payload_bytes, More more) {
    --open_claims_;
    StoreDescriptor(claim, CellKind::kBulk, tag, payload_bytes, OrderFor(more));
  }
  void Abandon(const Claim& claim);

  // Publishes a loan; its slot is filled in here. `most_bytes`: what this receiver may hold at
  // once.
  LendResult TryLend(LoanDescriptor descriptor, uint8_t tag, uint64_t cookie, uint64_t most_bytes);

  // Appends to `ended` the loans that the receiver gave back.
  void CollectReturns(std::vector<EndedLoan>& ended);
  bool HasLent() const { return loans_ != nullptr && loans_->AnyOut(); }

  // The receiver is proven dead: appends all that it held.
  void EndLoans(std::vector<EndedLoan>& ended);

  // Gives chunks back to the pool that the receiver has released.
  void ReclaimChunks(std::memory_order order = std::memory_order_acquire);

  // It has not sent in chunks lately: it counts no more among those that share the pool.
  void LeavePool();

  // Claims that are neither published nor abandoned: while there are any, the extents can't be
  // given back.
  bool HasOpenClaims() const { return open_claims_ != 0; }

  // The receiver departed; claims are still ended here, and nothing new begins.
  bool Closed() const { return closed_; }
  void Close() { closed_ = true; }

  // seq_cst, after the message's header was stored: the first word to look at after publishing.
  bool ReceiverParked() const { return link_->parked.load(std::memory_order_seq_cst) != 0; }

  // Asks the receiver to ring us when credits or loans come back that we wait for. True: they have,
  // so do not sleep.
  bool WantCredits();
  void ForgetCredits();

  EndpointId Receiver() const { return receiver_; }
  uint32_t LinkExtent() const { return link_extent_; }
  bool Poisoned() const { return lane_.Poisoned(); }

 private:
  OutLink(const Region& region, BulkPool& pool, EndpointId self, EndpointId receiver,
          uint32_t link_extent, Link& link)
      : region_(region),
        pool_(pool),
        self_(self),
        receiver_(receiver),
        link_extent_(link_extent),
        link_(&link),
        lane_(link) {}

  void ClaimedInline(size_t payload_bytes, Claim& claim) {
    claim.link = this;
    claim.bulk_offset = 0;
    claim.payload = {claim.cell.payload, payload_bytes};
    ++open_claims_;
  }
  bool IsForChunk(size_t payload_bytes);
  bool TryClaimInline(size_t payload_bytes, Claim& claim);
  bool TryClaimBulk(size_t payload_bytes, Claim& claim);
  void FetchNextChunk(size_t payload_bytes) const;
  std::optional<uint32_t> TakeChunk();
  bool HasCredits();
  bool MayTakeChunk() const;
  uint32_t ChunksHeld() const { return static_cast<uint32_t>(chunks_sent_ - chunks_released_); }
  static std::memory_order OrderFor(More more) {
    return more == More::kNo ? std::memory_order_seq_cst : std::memory_order_release;
  }
  void StoreDescriptor(const Claim& claim, CellKind kind, uint8_t tag, size_t payload_bytes,
                       std::memory_order order);

  // The lane holds few messages of this size or more. They lie in it while so many cells stay free;
  // beyond that chunks carry on, and those cells hold their descriptors.
  static constexpr size_t kLeastBulkBytes = 512;
  static constexpr uint32_t kCellsForDescriptors = 28;
  static_assert(kLeastBulkBytes <= kMaxInlineBytes);

  // Of the next chunk as much is fetched as of this one was claimed, if that is not more than this.
  static constexpr size_t kMostFetchedBytes = 4 * kKiB;

  // A lane has fewer messages than this on the way, and each has one chunk at most. More are not
  // taken, since chunks that the receiver has released are looked for only when some are missing.
  static constexpr uint32_t kMostChunks = 64;
  static_assert(kLinkCells <= kMostChunks);

  Region region_;
  BulkPool& pool_;
  EndpointId self_;
  EndpointId receiver_;
  uint32_t link_extent_;
  Link* link_;
  SmallLaneProducer lane_;
  // The chunks at the receiver, in the order of their messages, which is the order in which it
  // releases them: chunk i is at i % kMostChunks.
  std::array<uint32_t, kMostChunks> chunks_;
  std::bitset<kMostChunks> chunk_is_open_;  // Claimed, and not yet published.
  uint64_t chunks_sent_ = 0;
  uint64_t chunks_released_ = 0;
  bool shares_pool_ = false;
  std::unique_ptr<LoanSlots> loans_;  // From the first loan on.
  uint32_t open_claims_ = 0;
  bool closed_ = false;
  size_t stalled_bytes_ = 0;  // The claim that last found no room.
};

}  // namespace tombolo

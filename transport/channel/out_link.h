// OutLink: the sending half of a link to one endpoint. It owns the link's extents and gives them
// back when it is closed. Not thread-safe; used by Channel only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "absl/status/statusor.h"
#include "transport/alloc/extent_map.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/region/region.h"
#include "transport/ring/bulk_lane.h"
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
};

class OutLink {
 public:
  // Claims and formats an extent for a link from `self` to `receiver`. ResourceExhausted when the
  // region is full.
  static absl::StatusOr<std::unique_ptr<OutLink>> Create(const Region& region, ExtentMap& extents,
                                                         EndpointId self, EndpointId receiver);

  // Gives the extents back. Only when nobody reads them any more: the receiver is proven dead.
  void FreeExtents(ExtentMap& extents);

  // What one message can hold at most: grows once the bulk lane is there.
  size_t MaxPayloadBytes() const;

  // Claims a bulk lane unless there is one. False: the region has no memory to spare, and the small
  // lane carries on alone.
  bool EnsureBulkLane(ExtentMap& extents, uint64_t bulk_bytes);

  // At most MaxPayloadBytes(). False: no credits now.
  bool TryClaim(size_t payload_bytes, Claim& claim);
  void Publish(const Claim& claim, uint8_t tag, size_t payload_bytes);
  void Abandon(const Claim& claim);

  // Claims that are neither published nor abandoned: while there are any, the extents can't be
  // given back.
  bool HasOpenClaims() const { return open_claims_ != 0; }

  // The receiver departed; claims are still ended here, and nothing new begins.
  bool Closed() const { return closed_; }
  void Close() { closed_ = true; }

  // seq_cst, after the message's header was stored: the first word to look at after publishing.
  bool ReceiverParked() const { return link_->parked.load(std::memory_order_seq_cst) != 0; }

  // Asks the receiver to ring us when credits come back. True: there is room already, so do not
  // sleep.
  bool WantCredits();
  void ForgetCredits();

  EndpointId Receiver() const { return receiver_; }
  uint32_t LinkExtent() const { return link_extent_; }
  bool Poisoned() const { return lane_.Poisoned(); }

 private:
  OutLink(const Region& region, EndpointId self, EndpointId receiver, uint32_t link_extent,
          Link& link)
      : region_(region),
        self_(self),
        receiver_(receiver),
        link_extent_(link_extent),
        link_(&link),
        lane_(link) {}

  bool TryClaimInline(size_t payload_bytes, Claim& claim);
  bool TryClaimBulk(size_t payload_bytes, Claim& claim);
  void PublishBulk(const Claim& claim, CellKind kind, uint8_t tag, size_t payload_bytes);

  Region region_;
  EndpointId self_;
  EndpointId receiver_;
  uint32_t link_extent_;
  uint32_t bulk_extent_ = 0;
  Link* link_;
  SmallLaneProducer lane_;
  BulkLaneProducer bulk_;
  uint32_t open_claims_ = 0;
  bool closed_ = false;
  size_t stalled_bytes_ = 0;  // The claim that last found no room.
};

}  // namespace tombolo

#include "transport/channel/out_link.h"

#include <string.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tombolo {

absl::StatusOr<std::unique_ptr<OutLink>> OutLink::Create(const Region& region, ExtentMap& extents,
                                                         EndpointId self, EndpointId receiver) {
  const std::optional<uint32_t> extent =
      extents.Claim(1, static_cast<uint16_t>(self.index), ExtentKind::kLink);
  if (!extent) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the region has no free extent for a link to endpoint ", receiver.index,
                     "; make it larger (tombolod --size)."));
  }
  std::byte* memory = region.Extent(*extent);
  memset(memory, 0, kExtentBytes);
  // SAFETY: an extent is as large as a Link and aligned to 4 KiB; zeroed memory is a Link in its
  // first state.
  Link& link = *reinterpret_cast<Link*>(memory);
  link.sender = static_cast<uint16_t>(self.index);
  link.receiver = static_cast<uint16_t>(receiver.index);
  link.sender_incarnation = self.incarnation;
  link.receiver_incarnation = receiver.incarnation;
  // A link begins parked: its first message announces it. Relaxed: the directory entry publishes
  // the link.
  link.parked.store(1, std::memory_order_relaxed);
  link.magic.store(kLinkMagic, std::memory_order_relaxed);
  return std::unique_ptr<OutLink>(new OutLink(region, self, receiver, *extent, link));
}

void OutLink::FreeExtents(ExtentMap& extents) {
  const auto owner = static_cast<uint16_t>(self_.index);
  if (bulk_.ChunkCount() != 0) extents.Free(bulk_extent_, owner);
  extents.Free(link_extent_, owner);
}

size_t OutLink::MaxPayloadBytes() const {
  return bulk_.ChunkCount() != 0 ? kBulkChunkBytes : kMaxInlineBytes;
}

bool OutLink::EnsureBulkLane(ExtentMap& extents, uint64_t bulk_bytes) {
  if (bulk_.ChunkCount() != 0) return true;
  const auto chunks = static_cast<uint32_t>(bulk_bytes / kBulkChunkBytes);
  const auto count = static_cast<uint32_t>(chunks * (kBulkChunkBytes / kExtentBytes));
  const std::optional<uint32_t> extent =
      extents.Claim(count, static_cast<uint16_t>(self_.index), ExtentKind::kBulkLane);
  if (!extent) return false;
  bulk_extent_ = *extent;
  bulk_ = BulkLaneProducer(chunks);
  // For people and for fsck; the receiver checks each descriptor on its own.
  link_->bulk_offset.store(region_.ExtentOffset(bulk_extent_).bytes, std::memory_order_relaxed);
  link_->bulk_bytes.store(uint64_t{chunks} * kBulkChunkBytes, std::memory_order_relaxed);
  return true;
}

bool OutLink::TryClaim(size_t payload_bytes, Claim& claim) {
  claim = Claim{};
  claim.link = this;
  const bool claimed = payload_bytes > kMaxInlineBytes ? TryClaimBulk(payload_bytes, claim)
                                                       : TryClaimInline(payload_bytes, claim);
  if (claimed) {
    ++open_claims_;
  } else {
    stalled_bytes_ = payload_bytes;
  }
  return claimed;
}

bool OutLink::TryClaimInline(size_t payload_bytes, Claim& claim) {
  if (!lane_.TryClaim(payload_bytes, claim.cell)) return false;
  claim.payload = {claim.cell.payload, payload_bytes};
  return true;
}

bool OutLink::TryClaimBulk(size_t payload_bytes, Claim& claim) {
  if (payload_bytes > MaxPayloadBytes()) return false;
  uint32_t chunk = 0;
  // The cell last: a chunk that was claimed must be published, or it would never come back.
  if (!lane_.HasRoom(sizeof(BulkDescriptor)) || !bulk_.TryClaim(*link_, chunk) ||
      !lane_.TryClaim(sizeof(BulkDescriptor), claim.cell)) {
    return false;
  }
  const Offset offset = region_.ExtentOffset(bulk_extent_) + uint64_t{chunk} * kBulkChunkBytes;
  claim.bulk_offset = offset.bytes;
  claim.payload = region_.Bytes(offset, payload_bytes);
  return true;
}

void OutLink::Publish(const Claim& claim, uint8_t tag, size_t payload_bytes) {
  --open_claims_;
  if (claim.bulk_offset != 0) {
    PublishBulk(claim, CellKind::kBulk, tag, payload_bytes);
  } else {
    SmallLaneProducer::Publish(claim.cell, CellKind::kInline, tag, payload_bytes);
  }
}

void OutLink::Abandon(const Claim& claim) {
  --open_claims_;
  if (claim.bulk_offset != 0) {
    PublishBulk(claim, CellKind::kBulkSkip, 0, 0);
  } else {
    SmallLaneProducer::Abandon(claim.cell);
  }
}

void OutLink::PublishBulk(const Claim& claim, CellKind kind, uint8_t tag, size_t payload_bytes) {
  const BulkDescriptor descriptor{.offset = claim.bulk_offset, .length_bytes = payload_bytes};
  memcpy(claim.cell.payload, &descriptor, sizeof(descriptor));
  SmallLaneProducer::Publish(claim.cell, kind, tag, sizeof(descriptor));
}

bool OutLink::WantCredits() {
  if (stalled_bytes_ == 0) return false;
  link_->credit_wanted.store(1, std::memory_order_seq_cst);
  const bool is_bulk = stalled_bytes_ > kMaxInlineBytes;
  const size_t cell_bytes = is_bulk ? sizeof(BulkDescriptor) : stalled_bytes_;
  return lane_.HasRoom(cell_bytes) && (!is_bulk || bulk_.HasRoom(*link_));
}

void OutLink::ForgetCredits() {
  if (stalled_bytes_ == 0) return;
  stalled_bytes_ = 0;
  // Relaxed: a receiver that still sees 1 rings once too often.
  link_->credit_wanted.store(0, std::memory_order_relaxed);
}

}  // namespace tombolo

#include "transport/channel/in_link.h"

#include <string.h>

namespace tombolo {
namespace {

// The link that the directory of `sender` names for `receiver`; nothing when the words make no
// sense. Every number here is the sender's word, so each is read once and checked.
Link* FindInDirectory(const Region& region, uint32_t sender, uint32_t receiver) {
  const uint32_t extent_count = region.Parts().extent_count;
  // Acquire: pairs with the release store in Channel::Announce of the link, as does the next load.
  const uint64_t directory = region.Line(sender).link_directory.load(std::memory_order_acquire);
  const uint64_t entries_per_extent = kExtentBytes / sizeof(LinkDirectoryEntry);
  const uint64_t extents =
      (region.Limits().endpoint_count + entries_per_extent - 1) / entries_per_extent;
  if (directory == 0 || directory > extent_count || extents > extent_count - (directory - 1)) {
    return nullptr;
  }
  // SAFETY: the directory's extents lie within the region, by the check above.
  const auto* entries = reinterpret_cast<const LinkDirectoryEntry*>(
      region.Extent(static_cast<uint32_t>(directory - 1)));
  const uint32_t entry = entries[receiver].load(std::memory_order_acquire);
  if (entry == 0 || entry > extent_count) return nullptr;
  // SAFETY: a Link is as large as an extent, and this one lies within the region.
  return reinterpret_cast<Link*>(region.Extent(entry - 1));
}

}  // namespace

std::unique_ptr<InLink> InLink::Find(const Region& region, EndpointId sender, EndpointId self) {
  Link* link = FindInDirectory(region, sender.index, self.index);
  if (link == nullptr || link->magic.load(std::memory_order_relaxed) != kLinkMagic) return nullptr;
  if (link->sender != sender.index || link->sender_incarnation != sender.incarnation ||
      link->receiver != self.index || link->receiver_incarnation != self.incarnation) {
    return nullptr;
  }
  return std::unique_ptr<InLink>(new InLink(region, sender, *link));
}

FrontResult InLink::Front(SmallMessage& message) {
  const FrontResult result = lane_.Front(message);
  front_is_bulk_ = false;
  if (result != FrontResult::kMessage) {
    ++idle_polls;
    return result;
  }
  idle_polls = 0;
  return message.kind == CellKind::kInline ? result : ResolveBulk(message);
}

FrontResult InLink::ResolveBulk(SmallMessage& message) {
  front_is_bulk_ = true;
  if (message.kind == CellKind::kBulkSkip) {
    message.payload = {};
    return FrontResult::kMessage;
  }
  BulkDescriptor descriptor;
  memcpy(&descriptor, message.payload.data(), sizeof(descriptor));
  if (descriptor.length_bytes > kBulkChunkBytes) return FrontResult::kPoisoned;
  message.payload = region_.Bytes(Offset{descriptor.offset}, descriptor.length_bytes);
  return message.payload.size() == descriptor.length_bytes ? FrontResult::kMessage
                                                           : FrontResult::kPoisoned;
}

bool InLink::Release() {
  lane_.Release();
  if (front_is_bulk_) {
    ++released_chunks_;
    front_is_bulk_ = false;
    link_->released_chunks.store(released_chunks_, std::memory_order_seq_cst);
    lane_.PublishCredits();
    return link_->credit_wanted.load(std::memory_order_seq_cst) != 0;
  }
  return lane_.CreditsDue() && FlushCredits();
}

bool InLink::FlushCredits() {
  if (!lane_.HasUnpublishedCredits()) return false;
  lane_.PublishCredits();
  // seq_cst pair with OutLink::WantCredits: credits first, then who wants them.
  return link_->credit_wanted.load(std::memory_order_seq_cst) != 0;
}

bool InLink::TryPark() {
  // seq_cst pair with SmallLaneProducer::Publish and OutLink::ReceiverParked: parked first, then
  // the header.
  link_->parked.store(1, std::memory_order_seq_cst);
  SmallMessage message;
  if (lane_.Front(message) == FrontResult::kEmpty) return true;
  Unpark();
  return false;
}

void InLink::Unpark() {
  // Relaxed: a sender that still sees 1 announces itself once too often.
  link_->parked.store(0, std::memory_order_relaxed);
  idle_polls = 0;
}

}  // namespace tombolo

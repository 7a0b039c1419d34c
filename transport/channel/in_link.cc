#include "transport/channel/in_link.h"

#include <optional>

#include "transport/base/offset.h"
#include "transport/base/units.h"
#include "transport/endpoint/link_directory.h"
#include "transport/layout/link.h"
#include "transport/layout/shared_copy.h"

namespace tombolo {
namespace {

// The link that the directory of `sender` names for `receiver`; nothing when there is none.
Link* FindInDirectory(const Region& region, uint32_t sender, uint32_t receiver) {
  const std::optional<uint32_t> extent = FindLinkExtent(region, sender, receiver);
  if (!extent) return nullptr;
  // SAFETY: a Link is as large as an extent, and this one lies within the region.
  return reinterpret_cast<Link*>(region.Extent(*extent));
}

// The chunk that begins at `offset`; nothing where none can begin.
std::span<std::byte> ChunkAt(const Region& region, uint64_t offset) {
  if (offset % kExtentBytes != kBulkChunkSkewBytes) return {};
  return region.Bytes(Offset{offset}, kBulkChunkBytes);
}

}  // namespace

std::unique_ptr<InLink> InLink::Find(const Region& region, EndpointId sender, EndpointId self) {
  Link* link = FindInDirectory(region, sender.index, self.index);
  if (link == nullptr || link->magic.load(std::memory_order_relaxed) != kLinkMagic) return nullptr;
  // Relaxed, here and below: the directory entry published the link.
  const EndpointId from = {link->sender.load(std::memory_order_relaxed),
                           link->sender_incarnation.load(std::memory_order_relaxed)};
  const EndpointId to = {link->receiver.load(std::memory_order_relaxed),
                         link->receiver_incarnation.load(std::memory_order_relaxed)};
  if (from != sender || to != self) return nullptr;
  return std::unique_ptr<InLink>(new InLink(region, sender, *link));
}

FrontResult InLink::Resolve(SmallMessage& message) {
  return message.kind == CellKind::kLoan ? ResolveLoan(message) : ResolveBulk(message);
}

FrontResult InLink::ResolveBulk(SmallMessage& message) {
  front_is_bulk_ = true;
  if (message.kind == CellKind::kBulkSkip) {
    message.payload = {};
    return FrontResult::kMessage;
  }
  const auto descriptor = CopyShared<BulkDescriptor>(message.payload.data());
  const std::span<std::byte> chunk = ChunkAt(region_, descriptor.offset);
  if (descriptor.length_bytes > chunk.size()) return Poisoned(Fault::kDescriptor);
  message.payload = chunk.first(descriptor.length_bytes);
  return FrontResult::kMessage;
}

FrontResult InLink::ResolveLoan(SmallMessage& message) {
  const auto descriptor = CopyShared<LoanDescriptor>(message.payload.data());
  if (borrowings_ == nullptr) {
    borrowings_ = std::make_shared<Borrowings>(region_, sender_, *link_);
  }
  if (!borrowings_->Begin(descriptor)) return Poisoned(Fault::kLoan);
  front_loan_ = {.first_extent = descriptor.first_extent,
                 .generation = descriptor.generation,
                 .slot = descriptor.slot};
  message.payload = region_.Bytes(Offset{descriptor.offset}, descriptor.length_bytes);
  return FrontResult::kMessage;
}

FrontResult InLink::Poisoned(Fault fault) {
  fault_ = fault;
  return FrontResult::kPoisoned;
}

bool InLink::ReleaseChunk() {
  ++released_chunks_;
  front_is_bulk_ = false;
  link_->released_chunks.store(released_chunks_, std::memory_order_seq_cst);
  return FlushCredits();
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

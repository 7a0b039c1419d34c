#include "transport/channel/out_link.h"

#include <algorithm>
#include <array>
#include <bit>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "transport/base/prefetch.h"
#include "transport/layout/shared_word.h"
#include "transport/region/region_copy.h"

namespace tombolo {
namespace {

// SUBTLE: By words, which all memory bears. Of a memcpy the compiler makes stores of 16 bytes, and
// a payload is aligned to 8: in Device memory (arm64) they raise SIGBUS.
template <typename T>
void StoreWords(std::byte* payload, const T& descriptor) {
  const auto words = std::bit_cast<std::array<uint64_t, sizeof(T) / sizeof(uint64_t)>>(descriptor);
  // SAFETY: the payload of a cell begins 8 bytes into a cell, which is aligned to a line.
  auto* shared = reinterpret_cast<SharedU64*>(payload);
  // Relaxed: Publish() orders them.
  for (size_t i = 0; i < words.size(); ++i) shared[i].store(words[i], std::memory_order_relaxed);
}

}  // namespace

absl::StatusOr<std::unique_ptr<OutLink>> OutLink::Create(const Region& region, ExtentMap& extents,
                                                         BulkPool& pool, EndpointId self,
                                                         EndpointId receiver) {
  const std::optional<uint32_t> extent =
      extents.Claim(1, static_cast<uint16_t>(self.index), ExtentKind::kLink);
  if (!extent) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the region has no free extent for a link to endpoint ", receiver.index,
                     "; make it larger (tombolod --size)."));
  }
  std::byte* memory = region.Extent(*extent);
  Zero(region.Type(), {memory, kExtentBytes});
  // SAFETY: an extent is as large as a Link and aligned to 4 KiB; zeroed memory is a Link in its
  // first state.
  Link& link = *reinterpret_cast<Link*>(memory);
  // Relaxed throughout: the directory entry publishes the link.
  link.sender.store(static_cast<uint16_t>(self.index), std::memory_order_relaxed);
  link.receiver.store(static_cast<uint16_t>(receiver.index), std::memory_order_relaxed);
  link.sender_incarnation.store(self.incarnation, std::memory_order_relaxed);
  link.receiver_incarnation.store(receiver.incarnation, std::memory_order_relaxed);
  // A link begins parked: its first message announces it.
  link.parked.store(1, std::memory_order_relaxed);
  link.magic.store(kLinkMagic, std::memory_order_relaxed);
  return std::unique_ptr<OutLink>(new OutLink(region, pool, self, receiver, *extent, link));
}

void OutLink::FreeExtents(ExtentMap& extents) {
  for (; chunks_released_ != chunks_sent_; ++chunks_released_) {
    pool_.GiveBack(chunks_[chunks_released_ % kMostChunks]);
  }
  LeavePool();
  if (!pool_.HasReceivers()) pool_.Trim();
  Zero(region_.Type(), {region_.Extent(link_extent_), kExtentBytes});
  extents.Free(link_extent_, static_cast<uint16_t>(self_.index));
}

size_t OutLink::MaxPayloadBytes() const {
  return pool_.HasFree() || ChunksHeld() != 0 ? kBulkChunkBytes : kMaxInlineBytes;
}

void OutLink::ReclaimChunks(std::memory_order order) {
  // Acquire at least: pairs with InLink::Release, so the receiver has read the chunks. A receiver
  // that lies stops its own lane: nonsense counts as nothing released.
  const uint64_t seen = link_->released_chunks.load(order);
  if (seen < chunks_released_ || seen > chunks_sent_) return;
  for (; chunks_released_ != seen; ++chunks_released_) {
    const uint64_t place = chunks_released_ % kMostChunks;
    // Released before it was published: a lie, and others would get a chunk that we still write.
    if (chunk_is_open_[place]) return;
    pool_.GiveBack(chunks_[place]);
  }
}

void OutLink::LeavePool() {
  if (shares_pool_ && ChunksHeld() == 0) {
    shares_pool_ = false;
    pool_.RemoveReceiver();
  }
}

bool OutLink::MayTakeChunk() const {
  return ChunksHeld() == 0 || ChunksHeld() < std::min(pool_.Share(), kMostChunks);
}

std::optional<uint32_t> OutLink::TakeChunk() {
  if (!shares_pool_) pool_.AddReceiver();
  shares_pool_ = true;
  if (!MayTakeChunk()) ReclaimChunks();
  if (!MayTakeChunk()) return std::nullopt;
  if (const auto chunk = pool_.Take()) return chunk;
  ReclaimChunks();
  return pool_.Take();
}

bool OutLink::TryClaim(size_t payload_bytes, Claim& claim) {
  if (IsForChunk(payload_bytes) && TryClaimBulk(payload_bytes, claim)) return true;
  if (TryClaimInline(payload_bytes, claim)) return true;
  stalled_bytes_ = payload_bytes;
  return false;
}

bool OutLink::IsForChunk(size_t payload_bytes) {
  if (payload_bytes < kLeastBulkBytes) return false;
  return payload_bytes > kMaxInlineBytes || !lane_.LeavesRoom(payload_bytes, kCellsForDescriptors);
}

bool OutLink::TryClaimInline(size_t payload_bytes, Claim& claim) {
  if (!lane_.TryClaim(payload_bytes, claim.cell)) return false;
  ClaimedInline(payload_bytes, claim);
  return true;
}

bool OutLink::TryClaimBulk(size_t payload_bytes, Claim& claim) {
  if (payload_bytes > kBulkChunkBytes || !lane_.LeavesRoom(sizeof(BulkDescriptor), 0)) return false;
  const std::optional<uint32_t> chunk = TakeChunk();
  if (!chunk) return false;
  // The cell last: a chunk that was taken goes to the receiver, or it would never come back.
  if (!lane_.TryClaim(sizeof(BulkDescriptor), claim.cell)) {
    pool_.GiveBack(*chunk);
    return false;
  }
  claim.chunk_place = static_cast<uint32_t>(chunks_sent_++ % kMostChunks);
  chunks_[claim.chunk_place] = *chunk;
  chunk_is_open_[claim.chunk_place] = true;
  const Offset offset = region_.ExtentOffset(*chunk) + kBulkChunkSkewBytes;
  claim.link = this;
  claim.bulk_offset = offset.bytes;
  claim.payload = region_.Bytes(offset, payload_bytes);
  ++open_claims_;
  FetchNextChunk(payload_bytes);
  return true;
}

// The lines of the next chunk lie in the cache of the receiver that has read it last. Only where
// messages are small: larger ones have time to fetch their own.
void OutLink::FetchNextChunk(size_t payload_bytes) const {
  const std::optional<uint32_t> next = pool_.Next();
  if (!next || payload_bytes > kMostFetchedBytes) return;
  const std::byte* begin = region_.Extent(*next) + kBulkChunkSkewBytes;
  for (size_t at = 0; at < payload_bytes; at += kCacheLineBytes) PrefetchToWrite(begin + at);
}

void OutLink::Abandon(const Claim& claim) {
  --open_claims_;
  if (claim.bulk_offset != 0) {
    StoreDescriptor(claim, CellKind::kBulkSkip, 0, 0, std::memory_order_seq_cst);
  } else {
    SmallLaneProducer::Abandon(claim.cell);
  }
}

void OutLink::StoreDescriptor(const Claim& claim, CellKind kind, uint8_t tag, size_t payload_bytes,
                              std::memory_order order) {
  chunk_is_open_[claim.chunk_place] = false;
  const BulkDescriptor descriptor{.offset = claim.bulk_offset, .length_bytes = payload_bytes};
  StoreWords(claim.cell.payload, descriptor);
  SmallLaneProducer::Publish(claim.cell, kind, tag, sizeof(descriptor), order);
}

LendResult OutLink::TryLend(LoanDescriptor descriptor, uint8_t tag, uint64_t cookie,
                            uint64_t most_bytes) {
  if (loans_ == nullptr) loans_ = std::make_unique<LoanSlots>(*link_);
  if (descriptor.length_bytes > most_bytes - std::min(most_bytes, loans_->LentBytes())) {
    return LendResult::kTooMuchLent;
  }
  const auto slot = loans_->Take({.first_extent = descriptor.first_extent, .cookie = cookie},
                                 descriptor.length_bytes);
  if (!slot) return LendResult::kTooMuchLent;
  SmallClaim cell;
  if (!lane_.TryClaim(sizeof(descriptor), cell)) {
    loans_->Cancel(*slot);
    stalled_bytes_ = sizeof(descriptor);
    return LendResult::kNoCredits;
  }
  descriptor.slot = *slot;
  StoreWords(cell.payload, descriptor);
  SmallLaneProducer::Publish(cell, CellKind::kLoan, tag, sizeof(descriptor));
  return LendResult::kLent;
}

void OutLink::CollectReturns(std::vector<EndedLoan>& ended) {
  if (loans_ != nullptr) loans_->Collect(ended);
}

void OutLink::EndLoans(std::vector<EndedLoan>& ended) {
  if (loans_ != nullptr) loans_->EndAll(ended);
}

bool OutLink::WantCredits() {
  if (stalled_bytes_ == 0 && !HasLent()) return false;
  link_->credit_wanted.store(1, std::memory_order_seq_cst);
  return (HasLent() && loans_->AnyReturned()) || (stalled_bytes_ != 0 && HasCredits());
}

bool OutLink::HasCredits() {
  if (stalled_bytes_ <= kMaxInlineBytes) return lane_.HasRoom(stalled_bytes_);
  ReclaimChunks(std::memory_order_seq_cst);
  return lane_.HasRoom(sizeof(BulkDescriptor)) && MayTakeChunk() && pool_.HasFree();
}

void OutLink::ForgetCredits() {
  if (stalled_bytes_ == 0 && !HasLent()) return;
  stalled_bytes_ = 0;
  // Relaxed: a receiver that still sees 1 rings once too often.
  link_->credit_wanted.store(0, std::memory_order_relaxed);
}

}  // namespace tombolo

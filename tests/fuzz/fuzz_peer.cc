#include "tests/fuzz/fuzz_peer.h"

#include <cstring>

#include "transport/alloc/extent_map.h"
#include "transport/base/units.h"

namespace tombolo::fuzz {

FuzzPeer::FuzzPeer(FuzzRegion& region, uint32_t index, EndpointId victim)
    : region_(region), id_{index, 0}, victim_(victim) {
  ExtentMap extents(region.View().ExtentMap());
  const auto owner = static_cast<uint16_t>(index);
  directory_ = *extents.Claim(1, owner, ExtentKind::kLinkDirectory);
  link_ = *extents.Claim(1, owner, ExtentKind::kLink);
  memory_ = *extents.Claim(kMemoryExtents, owner, ExtentKind::kMemory);
  Rejoin();
}

void FuzzPeer::Rejoin() {
  ++id_.incarnation;
  MakeLink();
  region_.SetState(id_, EndpointState::kLive);
  Announce();
}

Link& FuzzPeer::LinkToVictim() const {
  return *reinterpret_cast<Link*>(region_.View().Extent(link_));
}

void FuzzPeer::MakeLink() {
  memset(region_.View().Extent(link_), 0, kExtentBytes);
  Link& link = LinkToVictim();
  link.sender.store(static_cast<uint16_t>(id_.index), std::memory_order_relaxed);
  link.receiver.store(static_cast<uint16_t>(victim_.index), std::memory_order_relaxed);
  link.sender_incarnation.store(id_.incarnation, std::memory_order_relaxed);
  link.receiver_incarnation.store(victim_.incarnation, std::memory_order_relaxed);
  link.parked.store(1, std::memory_order_relaxed);
  link.magic.store(kLinkMagic, std::memory_order_relaxed);
  lane_ = std::make_unique<SmallLaneProducer>(link);
  auto* entries = reinterpret_cast<LinkDirectoryEntry*>(region_.View().Extent(directory_));
  entries[victim_.index].store(link_ + 1, std::memory_order_relaxed);
  region_.View().Line(id_.index).link_directory.store(directory_ + 1, std::memory_order_relaxed);
}

void FuzzPeer::Announce() {
  SharedU8& byte = region_.View().InboxByte(victim_.index, id_.index);
  byte.store(static_cast<uint8_t>(byte.load(std::memory_order_relaxed) + 1),
             std::memory_order_seq_cst);
}

void FuzzPeer::Send(Input& input) {
  const auto kind = static_cast<CellKind>(1 + input.Below(6));
  const uint8_t tag = input.Byte();
  size_t bytes = input.Below(kMaxInlineBytes + 1);
  if (kind == CellKind::kBulk || kind == CellKind::kBulkSkip) bytes = sizeof(BulkDescriptor);
  if (kind == CellKind::kLoan) bytes = sizeof(LoanDescriptor);
  SmallClaim claim;
  if (!lane_->TryClaim(bytes, claim)) return;
  if (kind == CellKind::kBulk || kind == CellKind::kLoan) {
    Describe(input, kind, {claim.payload, bytes});
  } else {
    const std::span<const uint8_t> payload = input.Take(bytes);
    if (!payload.empty()) memcpy(claim.payload, payload.data(), payload.size());
  }
  SmallLaneProducer::Publish(claim, kind, tag, bytes);
  Announce();
}

void FuzzPeer::Describe(Input& input, CellKind kind, std::span<std::byte> payload) const {
  const ExtentWord head = ExtentMap(region_.View().ExtentMap()).Look(memory_);
  LoanDescriptor loan{.offset = region_.View().ExtentOffset(memory_).bytes + input.Below(64),
                      .length_bytes = input.Below(4096),
                      .first_extent = memory_,
                      .generation = head.generation,
                      .slot = input.Below(kLoanSlots),
                      .reserved = 0};
  switch (input.Below(8)) {
    case 0:
      loan.offset = input.Number<uint64_t>();
      break;
    case 1:
      loan.length_bytes = input.Number<uint64_t>();
      break;
    case 2:
      loan.first_extent = input.Number<uint32_t>();
      break;
    case 3:
      loan.generation += input.Byte();
      break;
    case 4:
      loan.slot = input.Number<uint32_t>();
      break;
    case 5:
      loan.length_bytes = uint64_t{kMemoryExtents} * kExtentBytes;
      break;
    default:
      break;
  }
  if (kind == CellKind::kLoan) {
    memcpy(payload.data(), &loan, sizeof(loan));
    return;
  }
  const BulkDescriptor bulk{.offset = loan.offset + kBulkChunkSkewBytes,
                            .length_bytes = loan.length_bytes};
  memcpy(payload.data(), &bulk, sizeof(bulk));
}

SharedU64& FuzzPeer::AnyWord(Input& input) const {
  const Region& region = region_.View();
  const auto word_of = [&input](void* place, size_t bytes) -> SharedU64& {
    // SAFETY: `place` is a struct of the region of at least `bytes`, aligned to 8.
    return static_cast<SharedU64*>(place)[input.Below(static_cast<uint32_t>(bytes / 8))];
  };
  const uint32_t some_index = input.Below(2) == 0 ? id_.index : victim_.index;
  switch (input.Below(9)) {
    case 0:
      return word_of(&LinkToVictim(), sizeof(Link));
    case 1:
      return LinkToVictim().cells[input.Below(4)].header;
    case 2:
      return word_of(&region.Line(some_index), sizeof(EndpointLine));
    case 3:
      return word_of(&region.Endpoint(some_index), sizeof(EndpointRecord));
    case 4:
      return region.ExtentMap()[input.Below(region.Parts().extent_count)];
    case 5:
      return region.InboxRow(victim_.index)[0];
    case 6:
      return word_of(region.Extent(directory_), sizeof(LinkDirectoryEntry) * 64);
    case 7:
      return input.Below(2) == 0 ? region.MembershipEpoch()
                                 : word_of(&region.EndpointHighWater(), 8);
    default:
      // Extents of others: links and directories of the victim are among the first.
      return word_of(region.Extent(input.Below(64)), kExtentBytes);
  }
}

}  // namespace tombolo::fuzz

#include "transport/v2/v2_endpoint.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "transport/device/v2/v2_registers.h"
#include "transport/device/v2/v2_sections.h"
#include "transport/layout/shared_copy.h"
#include "transport/layout/shared_word.h"

namespace tombolo {
namespace {

constexpr uint32_t kGone = 0xffffffff;
constexpr size_t kWordBytes = sizeof(uint64_t);
constexpr size_t kMaxMessageWords = kV2MaxMessageBytes / kWordBytes;

static_assert(kV2OutputPeers == kV2MostPeers);
static_assert(sizeof(Link) == kV2PageBytes && sizeof(V2OutputPage) == kV2PageBytes);
static_assert(kV2MaxMessageBytes % kWordBytes == 0);

// Word by word: memory of a device may allow nothing else.
void StoreWords(std::span<const std::byte> from, std::byte* to) {
  // SAFETY: the caller has so many whole words there, aligned.
  auto* words = reinterpret_cast<SharedU64*>(to);
  for (size_t at = 0; at < from.size(); at += kWordBytes) {
    uint64_t word = 0;
    memcpy(&word, from.data() + at, std::min(kWordBytes, from.size() - at));
    // Relaxed: ordered by what is published after it.
    words[at / kWordBytes].store(word, std::memory_order_relaxed);
  }
}

void ClearPage(void* page) {
  const std::array<std::byte, kV2PageBytes> zeroes{};
  StoreWords(zeroes, static_cast<std::byte*>(page));
}

}  // namespace

absl::StatusOr<std::unique_ptr<V2Endpoint>> V2Endpoint::Start(V2Device& device,
                                                              uint64_t incarnation) {
  const V2Sections& sections = device.Sections();
  const uint32_t id = device.ReadRegister(kV2IdRegister);
  if (id >= sections.peer_count) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the device says that this is peer ", id, " of ", sections.peer_count,
        ". It was unplugged, or who serves it has ended: start this virtual machine again."));
  }
  const uint64_t needed_bytes = (1 + uint64_t{sections.peer_count}) * kV2PageBytes;
  if (sections.output_bytes < needed_bytes) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the device's output sections have ", sections.output_bytes, " bytes, expected at least ",
        needed_bytes, " for ", sections.peer_count, " peers. Start its server with a larger one."));
  }
  std::unique_ptr<V2Endpoint> endpoint(new V2Endpoint(device, id, incarnation));
  endpoint->Initialise();
  return endpoint;
}

V2Endpoint::V2Endpoint(V2Device& device, uint32_t id, uint64_t incarnation)
    : device_(&device), id_(id), incarnation_(incarnation), links_(device.Sections().peer_count) {}

V2Endpoint::~V2Endpoint() { EnterState(kV2StateReset); }

// Whoever sees the new incarnation sees no words of the one before: it is stored last.
void V2Endpoint::Initialise() {
  device_->SetState(kV2StateReset);
  EnterState(kV2StateInit);
  V2OutputPage& page = PageOf(id_);
  // Release, both: whoever read words of the new one, then sees that the old one is over.
  page.header.incarnation.store(0, std::memory_order_release);
  ClearPage(&page);
  page.header.magic.store(kV2OutputMagic, std::memory_order_relaxed);
  page.header.version.store(kV2OutputVersion, std::memory_order_relaxed);
  page.header.incarnation.store(incarnation_, std::memory_order_release);
  device_->EnableInterrupts();
  EnterState(kV2StateReady);
}

void V2Endpoint::Look() {
  bool is_anybody_there = false;
  for (uint32_t peer = 0; peer < links_.size(); ++peer) {
    if (peer == id_) continue;
    const uint32_t state = StateOf(peer);
    const bool is_ready = state >= kV2StateReady && state != kGone;
    const uint64_t incarnation = is_ready ? IncarnationOf(peer) : 0;
    PeerLink& link = links_[peer];
    if (incarnation == 0) {
      link = {};
    } else if (incarnation != link.incarnation && incarnation != link.dropped) {
      Attach(peer, incarnation);
    }
    is_anybody_there |= link.incarnation != 0;
  }
  EnterState(is_anybody_there ? kV2StateRun : kV2StateReady);
}

// The Link is made before it is said for whom.
void V2Endpoint::Attach(uint32_t peer, uint64_t incarnation) {
  V2PeerWords& words = PageOf(id_).peers[peer];
  words.link_for.store(0, std::memory_order_relaxed);
  Link& outgoing = LinkOf(id_, peer);
  ClearPage(&outgoing);
  outgoing.magic.store(kLinkMagic, std::memory_order_relaxed);
  outgoing.sender.store(static_cast<uint16_t>(id_), std::memory_order_relaxed);
  outgoing.receiver.store(static_cast<uint16_t>(peer), std::memory_order_relaxed);
  words.consumed_cells.store(0, std::memory_order_relaxed);
  // Release: pairs with RelayCredits, which reads consumed_cells after it.
  words.read_of.store(incarnation, std::memory_order_release);
  // Release: pairs with IsLinkForUs.
  words.link_for.store(incarnation, std::memory_order_release);
  PeerLink& link = links_[peer];
  link = {};
  link.incarnation = incarnation;
  link.producer.emplace(outgoing);
  link.consumer.emplace(LinkOf(peer, id_));
}

void V2Endpoint::Drop(uint32_t peer) {
  const uint64_t incarnation = links_[peer].incarnation;
  links_[peer] = {};
  links_[peer].dropped = incarnation;
}

V2Endpoint::SendResult V2Endpoint::TrySend(uint32_t peer, std::span<const std::byte> message) {
  if (message.size() > kV2MaxMessageBytes) return SendResult::kTooLarge;
  if (!IsThere(peer)) return SendResult::kAbsent;
  SmallLaneProducer& producer = *links_[peer].producer;
  SmallClaim claim;
  if (!producer.TryClaimQuickly(message.size(), claim)) {
    RelayCredits(peer);
    if (!producer.TryClaim(message.size(), claim)) {
      if (!producer.Poisoned()) return SendResult::kFull;
      Drop(peer);
      return SendResult::kAbsent;
    }
  }
  StoreWords(message, claim.payload);
  SmallLaneProducer::Publish(claim, CellKind::kInline, 0, message.size());
  // seq_cst: pairs with Park(), which stores it and then looks for messages.
  if (PageOf(peer).header.parked.load(std::memory_order_seq_cst) != 0) {
    device_->Ring(static_cast<uint16_t>(peer), kV2MessageVector);
  }
  return SendResult::kSent;
}

std::optional<size_t> V2Endpoint::TryReceive(uint32_t peer, std::span<std::byte> buffer) {
  if (!IsThere(peer) || !IsLinkForUs(peer)) return std::nullopt;
  SmallMessage message;
  const FrontResult result = links_[peer].consumer->Front(message);
  if (result == FrontResult::kEmpty) return std::nullopt;
  std::array<uint64_t, kMaxMessageWords> words;
  const size_t size_bytes = message.payload.size();
  const bool makes_sense = result == FrontResult::kMessage && message.kind == CellKind::kInline &&
                           size_bytes <= kV2MaxMessageBytes;
  if (makes_sense) {
    CopySharedWords(message.payload.data(), words.data(),
                    (size_bytes + kWordBytes - 1) / kWordBytes);
  }
  // SUBTLE: after the copy. A peer that began anew has said so before it wrote what we have read,
  // which then is not of the one whom we know: the next Look() attaches, and it is read again.
  if (IncarnationOf(peer) != links_[peer].incarnation) return std::nullopt;
  if (!makes_sense) {
    Drop(peer);
    return std::nullopt;
  }
  memcpy(buffer.data(), words.data(), size_bytes);
  links_[peer].consumer->Release();
  Acknowledge(peer, size_bytes);
  return size_bytes;
}

bool V2Endpoint::Park() {
  // seq_cst: pairs with TrySend.
  PageOf(id_).header.parked.store(1, std::memory_order_seq_cst);
  for (uint32_t peer = 0; peer < links_.size(); ++peer) {
    if (!HasMessage(peer)) continue;
    Unpark();
    return false;
  }
  return true;
}

void V2Endpoint::Unpark() {
  // Relaxed: a ring too many does no harm.
  PageOf(id_).header.parked.store(0, std::memory_order_relaxed);
}

bool V2Endpoint::HasMessage(uint32_t peer) {
  if (!IsThere(peer) || !IsLinkForUs(peer)) return false;
  SmallMessage message;
  return links_[peer].consumer->Front(message) != FrontResult::kEmpty;
}

bool V2Endpoint::IsLinkForUs(uint32_t peer) {
  PeerLink& link = links_[peer];
  if (!link.is_made_for_us) {
    // Acquire: pairs with Attach.
    const uint64_t made_for = PageOf(peer).peers[id_].link_for.load(std::memory_order_acquire);
    link.is_made_for_us = made_for == incarnation_;
  }
  return link.is_made_for_us;
}

// What the peer has consumed is in its own section; the Link of ours has it where the lane looks.
void V2Endpoint::RelayCredits(uint32_t peer) {
  const V2PeerWords& words = PageOf(peer).peers[id_];
  // Acquire, both: pair with Attach and Acknowledge, on the peer's side.
  if (words.read_of.load(std::memory_order_acquire) != incarnation_) return;
  const uint64_t consumed = words.consumed_cells.load(std::memory_order_acquire);
  LinkOf(id_, peer).consumed_cells.store(consumed, std::memory_order_relaxed);
}

// The lane keeps its position to itself: it is where a message of that size ends. A peer that
// claims more than it fills gets credits that do not fit, and its own link ends.
void V2Endpoint::Acknowledge(uint32_t peer, size_t message_bytes) {
  LanePosition& consumed = links_[peer].consumed;
  const uint32_t cells = CellsFor(message_bytes);
  if (cells > consumed.CellsLeft()) consumed.Advance(consumed.CellsLeft());
  consumed.Advance(cells);
  // Release: the copy was made before the sender may write there again.
  PageOf(id_).peers[peer].consumed_cells.store(consumed.position, std::memory_order_release);
}

uint32_t V2Endpoint::StateOf(uint32_t peer) {
  // SAFETY: the state table is a page, and has a word for each peer.
  const auto* table = reinterpret_cast<const SharedU32*>(device_->Memory().data());
  return table[peer].load(std::memory_order_acquire);
}

// 0: it has not begun, or speaks otherwise.
uint64_t V2Endpoint::IncarnationOf(uint32_t peer) {
  const V2OutputHeader& header = PageOf(peer).header;
  // Acquire: pairs with Initialise.
  const uint64_t incarnation = header.incarnation.load(std::memory_order_acquire);
  const bool is_known = header.magic.load(std::memory_order_relaxed) == kV2OutputMagic &&
                        header.version.load(std::memory_order_relaxed) == kV2OutputVersion;
  return is_known ? incarnation : 0;
}

V2OutputPage& V2Endpoint::PageOf(uint32_t peer) {
  // SAFETY: Start() has checked the sizes; sections begin at pages.
  return *reinterpret_cast<V2OutputPage*>(device_->Output(peer).data());
}

Link& V2Endpoint::LinkOf(uint32_t from, uint32_t to) {
  // SAFETY: as PageOf.
  return *reinterpret_cast<Link*>(device_->Output(from).data() + (1 + uint64_t{to}) * kV2PageBytes);
}

void V2Endpoint::EnterState(uint32_t state) {
  if (std::exchange(state_, state) != state) device_->SetState(state);
}

}  // namespace tombolo

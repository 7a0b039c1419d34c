#include "mpi_btl/engine/rank_engine.h"

#include <string.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "mpi_btl/engine/address.h"
#include "mpi_btl/engine/operation_claim.h"
#include "transport/base/clock.h"
#include "transport/base/memory_type.h"
#include "transport/base/units.h"
#include "transport/endpoint/membership_view.h"
#include "transport/layout/link.h"
#include "transport/layout/shared_copy.h"
#include "transport/region/region_copy.h"

namespace tombolo::mpi {
namespace {

// A peer that does not take its goodbye in this time is not waited for: it will take this process
// for lost.
constexpr int64_t kGoodbyeLimitNs = 200 * kNsPerMs;

constexpr size_t kPieceBytes = kMaxInlineBytes - sizeof(EngineHeader);

// What still comes while this process leaves concerns nobody.
class Ignore final : public ChannelHandler {
 public:
  void OnMessage(EndpointId, uint8_t, std::span<const std::byte>) override {}
  void OnDeparted(EndpointId) override {}
};

// Never destroyed: nobody unmaps what the program still uses, not even at exit.
void KeepUntilTheEnd(std::unique_ptr<Endpoint> endpoint) {
  static auto* const kept = new std::vector<std::unique_ptr<Endpoint>>;
  kept->push_back(std::move(endpoint));
}

}  // namespace

absl::StatusOr<std::unique_ptr<RankEngine>> RankEngine::Attach(const std::string& broker_path,
                                                               std::string_view name) {
  absl::StatusOr<std::unique_ptr<Endpoint>> endpoint = Endpoint::Attach(broker_path, name);
  if (!endpoint.ok()) return endpoint.status();
  return Create(*std::move(endpoint));
}

absl::StatusOr<std::unique_ptr<RankEngine>> RankEngine::Create(std::unique_ptr<Endpoint> endpoint) {
  absl::StatusOr<std::unique_ptr<Channel>> channel = Channel::Create(*endpoint);
  if (!channel.ok()) return channel.status();
  return std::unique_ptr<RankEngine>(new RankEngine(std::move(endpoint), *std::move(channel)));
}

RankEngine::RankEngine(std::unique_ptr<Endpoint> endpoint, std::unique_ptr<Channel> channel)
    : endpoint_(std::move(endpoint)),
      channel_(std::move(channel)),
      acquainted_(endpoint_->SharedRegion().Limits().endpoint_count),
      left_(acquainted_.size()),
      is_staged_(endpoint_->SharedRegion().Type() == MemoryType::kDevice),
      reassembler_(MaxMessageBytes()),
      memory_(endpoint_->SharedRegion(), endpoint_->Id()),
      origin_(*channel_, memory_,
              [this](EndpointId peer, const std::string& why) { SuspectById(peer, why); }),
      target_(*channel_, registrations_, [this](EndpointId peer, const std::string& why) {
        target_.Forget(peer);
        SuspectById(peer, why);
      }) {}

RankEngine::~RankEngine() {
  SayGoodbye();
  if (keeps_memory_) {
    channel_->Retire();
    channel_.reset();
    KeepUntilTheEnd(std::move(endpoint_));
    return;
  }
  channel_.reset();
  // It fails when the broker is gone, which ends the attachment as well.
  endpoint_->Detach().IgnoreError();
}

tombolo_address RankEngine::Address() const {
  return MakeAddress(endpoint_->SharedRegion().Uuid(), endpoint_->Id());
}

size_t RankEngine::MaxMessageBytes() const { return kBulkChunkBytes; }

bool RankEngine::IsInRegion(const void* address, size_t bytes) const {
  return ReadAddress(address, bytes, endpoint_->SharedRegion().Uuid()).ok();
}

absl::StatusOr<Peer*> RankEngine::OpenPeer(const void* address, size_t bytes, void* context) {
  const Region& region = endpoint_->SharedRegion();
  const absl::StatusOr<EndpointId> id = ReadAddress(address, bytes, region.Uuid());
  if (!id.ok()) return id.status();
  if (id->index >= acquainted_.size() || !IsLive(region, *id)) {
    return absl::NotFoundError(absl::StrCat("endpoint ", id->index, " is not alive"));
  }
  acquainted_[id->index] = id->incarnation;
  auto peer = std::make_unique<Peer>();
  peer->id = *id;
  peer->context = context;
  peers_.push_back(std::move(peer));
  return peers_.back().get();
}

void RankEngine::ClosePeer(Peer* peer) {
  std::erase(suspects_, peer);
  std::erase_if(peers_, [peer](const auto& owned) { return owned.get() == peer; });
}

bool RankEngine::OpenLink(Peer& peer) {
  if (peer.is_lost) return false;
  const absl::Status status = channel_->Open(peer.id);
  peer.is_open = status.ok();
  // The dead are found when they are looked for; a region without memory is not going to get any.
  if (absl::IsResourceExhausted(status)) Suspect(peer, std::string(status.message()));
  return peer.is_open;
}

bool RankEngine::TrySendCopy(Peer& peer, uint8_t tag, std::span<const std::byte> message,
                             size_t& sent_bytes) {
  Claim claim;
  if (sent_bytes == 0) {
    if (std::byte* memory = TryClaim(peer, message.size(), claim)) {
      CopyIn(endpoint_->SharedRegion().Type(), memory, message);
      Publish(claim, tag, message.size());
      sent_bytes = message.size();
      return true;
    }
    // With a bulk pool it is only a matter of time.
    if (!peer.is_open || message.size() <= channel_->MaxPayloadBytes(peer.id)) return false;
  }
  while (sent_bytes < message.size()) {
    if (!TrySendPiece(peer, tag, message, sent_bytes)) return false;
  }
  return true;
}

bool RankEngine::TrySendPiece(Peer& peer, uint8_t tag, std::span<const std::byte> message,
                              size_t& sent_bytes) {
  const std::span<const std::byte> piece =
      message.subspan(sent_bytes, std::min(kPieceBytes, message.size() - sent_bytes));
  Claim claim;
  std::byte* memory = TryClaim(peer, sizeof(EngineHeader) + piece.size(), claim);
  if (memory == nullptr) return false;
  const EngineHeader header = {EngineMessage::kPiece, tag, static_cast<uint32_t>(message.size()),
                               static_cast<uint32_t>(sent_bytes)};
  memcpy(memory, &header, sizeof(header));
  CopyIn(endpoint_->SharedRegion().Type(), memory + sizeof(header), piece);
  Publish(claim, kEngineTag, sizeof(header) + piece.size());
  sent_bytes += piece.size();
  return true;
}

int RankEngine::Poll(const tombolo_handlers& handlers) {
  handlers_ = &handlers;
  // Acquire: pairs with the daemon's release; the member table is at least as new.
  const uint64_t epoch =
      endpoint_->SharedRegion().MembershipEpoch().load(std::memory_order_acquire);
  if (epoch != epoch_) SuspectTheDead(epoch);
  const size_t delivered = channel_->Poll(*this);
  if (origin_.IsWaiting()) origin_.Flush();
  if (target_.IsWaiting()) target_.Flush();
  if (!suspects_.empty()) JudgeSuspects(handlers);
  const int finished = origin_.HasFinished() ? TellOfFinished(handlers) : 0;
  handlers_ = nullptr;
  return static_cast<int>(delivered) + finished;
}

int RankEngine::TellOfFinished(const tombolo_handlers& handlers) {
  int told = 0;
  // Handlers may start operations, which may be done at once: they are not told of here.
  while (const std::optional<FinishedOperation> finished = origin_.TakeFinished()) {
    handlers.operation_done(handlers.context, finished->context, finished->is_good);
    ++told;
  }
  return told;
}

MemoryHandle RankEngine::Register(std::byte* memory, size_t bytes, uint32_t access) {
  if (const std::optional<MemoryHandle> handle = memory_.HandleOf(memory, bytes)) return *handle;
  MemoryHandle handle;
  handle.owner_index = endpoint_->Id().index;
  handle.owner_incarnation = endpoint_->Id().incarnation;
  if (access == 0) return handle;
  const Registrations::Key key = registrations_.Add(memory, bytes, access);
  handle.kind = MemoryKind::kPrivate;
  handle.place = key.index;
  handle.generation = key.generation;
  return handle;
}

void RankEngine::Deregister(const MemoryHandle& handle) {
  if (handle.kind != MemoryKind::kPrivate) return;
  registrations_.Remove({handle.place, handle.generation});
}

bool RankEngine::StartOperation(Peer& peer, const Operation& operation) {
  if (!peer.is_lost || operation.target != peer.id) return origin_.Start(operation);
  origin_.StartLost(operation);
  if (peer.is_told) {
    origin_.Fail(peer.id);
  } else {
    Suspect(peer, "");
  }
  return false;
}

void RankEngine::OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) {
  acquainted_[source.index] = source.incarnation;
  if (is_staged_) {
    if (payload.size() > MaxMessageBytes()) {
      return SuspectById(source, "it sent a message that is longer than any can be");
    }
    payload = staging_.Read(payload);
  }
  if (tag == kEngineTag) return OnEngineMessage(source, payload);
  handlers_->message(handlers_->context, tag, payload.data(), payload.size());
}

void RankEngine::OnEngineMessage(EndpointId source, std::span<const std::byte> payload) {
  if (payload.size() < sizeof(EngineHeader)) return;
  const auto header = CopyShared<EngineHeader>(payload.data());
  switch (header.kind) {
    case EngineMessage::kGoodbye:
      left_[source.index] = source.incarnation;
      return;
    case EngineMessage::kPiece:
      return OnPiece(source, header, payload.subspan(sizeof(header)));
    default:
      return OnOperationMessage(source, header.kind, payload);
  }
}

void RankEngine::OnOperationMessage(EndpointId source, EngineMessage kind,
                                    std::span<const std::byte> payload) {
  // The kind was read already, and is not read again: what is in the lane may have changed.
  if (kind >= EngineMessage::kPut && kind <= EngineMessage::kAtomic) {
    if (payload.size() < sizeof(OperationRequest)) return;
    auto request = CopyShared<OperationRequest>(payload.data());
    request.kind = kind;
    return target_.OnRequest(source, request, payload.subspan(sizeof(request)));
  }
  if (kind >= EngineMessage::kDone && kind <= EngineMessage::kRefused) {
    if (payload.size() < sizeof(OperationReply)) return;
    auto reply = CopyShared<OperationReply>(payload.data());
    reply.kind = kind;
    origin_.OnReply(source, reply, payload.subspan(sizeof(reply)));
  }
}

void RankEngine::OnPiece(EndpointId source, const EngineHeader& header,
                         std::span<const std::byte> piece) {
  std::span<const std::byte> message;
  switch (reassembler_.Add(source, header, piece, message)) {
    case Reassembler::Result::kMore:
      return;
    case Reassembler::Result::kComplete:
      handlers_->message(handlers_->context, static_cast<uint8_t>(header.tag), message.data(),
                         message.size());
      return;
    case Reassembler::Result::kNonsense:
      return SuspectById(source, "it sent pieces of a message that make no sense");
  }
}

void RankEngine::OnDeparted(EndpointId id) {
  reassembler_.Forget(id);
  target_.Forget(id);
  SuspectById(id, "");
}

void RankEngine::SuspectById(EndpointId id, const std::string& failure) {
  for (const std::unique_ptr<Peer>& peer : peers_) {
    if (peer->id == id) Suspect(*peer, failure);
  }
}

// SUBTLE: before the channel is polled. Whoever is dead by now has its goodbye in the region, if it
// said one, and the poll delivers it before the suspects are judged.
void RankEngine::SuspectTheDead(uint64_t epoch) {
  for (const std::unique_ptr<Peer>& peer : peers_) {
    if (!IsLive(endpoint_->SharedRegion(), peer->id)) Suspect(*peer, "");
  }
  epoch_ = epoch;
}

void RankEngine::Suspect(Peer& peer, std::string failure) {
  if (peer.is_told || std::ranges::find(suspects_, &peer) != suspects_.end()) return;
  peer.failure = std::move(failure);
  suspects_.push_back(&peer);
}

void RankEngine::JudgeSuspects(const tombolo_handlers& handlers) {
  // Handlers may close peers, which takes them out of suspects_.
  while (!suspects_.empty()) {
    Peer& peer = *suspects_.back();
    suspects_.pop_back();
    Judge(peer, handlers);
  }
}

void RankEngine::Judge(Peer& peer, const tombolo_handlers& handlers) {
  peer.is_lost = true;
  const EndpointId id = peer.id;
  // One that left in good order has nothing to do with anybody any more.
  if (left_[id.index] == id.incarnation) {
    if (!origin_.HasOpen(id)) return;
    peer.failure = "it left while operations on its memory were open";
  }
  peer.is_told = true;
  const std::string why = WhyLost(peer);
  handlers.peer_lost(handlers.context, peer.context, why.c_str());
  // After it was told why, so that nobody takes what a failed operation left for good.
  origin_.Fail(id);
}

std::string RankEngine::WhyLost(const Peer& peer) const {
  if (!peer.failure.empty()) return peer.failure;
  if (IsLive(endpoint_->SharedRegion(), peer.id)) {
    return absl::StrCat("endpoint ", peer.id.index,
                        " wrote nonsense into its link and was dropped");
  }
  return absl::StrCat("endpoint ", peer.id.index,
                      " is dead: its process or its virtual machine ended without MPI_Finalize");
}

void RankEngine::SayGoodbye() {
  const int64_t deadline_ns = MonotonicNs() + kGoodbyeLimitNs;
  Ignore ignore;
  for (uint32_t index = 0; index < acquainted_.size(); ++index) {
    const EndpointId id = {index, acquainted_[index]};
    if (id.incarnation == 0 || left_[index] == id.incarnation) continue;
    while (IsLive(endpoint_->SharedRegion(), id) && !TrySayGoodbye(id) &&
           MonotonicNs() < deadline_ns) {
      channel_->Poll(ignore);
    }
  }
}

bool RankEngine::TrySayGoodbye(EndpointId id) {
  // Without a link there is no memory for one: it would not come later.
  if (!channel_->Open(id).ok()) return true;
  Claim claim;
  if (!channel_->TryClaim(id, sizeof(EngineHeader), claim)) return false;
  const EngineHeader header = {EngineMessage::kGoodbye, 0, 0, 0};
  WriteHeader(*channel_, claim, header);
  channel_->Publish(claim, kEngineTag, sizeof(header));
  return true;
}

}  // namespace tombolo::mpi

// RankEngine: one rank of an MPI job as an endpoint of the region; engine.h is its face towards C
// and has the manual.
//
// It adds to transport's channel: links that open at the first message, peers that leave in good
// order (they say goodbye) apart from those that die, also where no link was ever made, and
// messages in pieces where the region has no memory for a bulk pool, and one-sided operations on
// memory of the region and on private memory. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "mpi_btl/engine/engine.h"
#include "mpi_btl/engine/engine_message.h"
#include "mpi_btl/engine/memory_handle.h"
#include "mpi_btl/engine/origin.h"
#include "mpi_btl/engine/reassembler.h"
#include "mpi_btl/engine/region_memory.h"
#include "mpi_btl/engine/registrations.h"
#include "mpi_btl/engine/staging.h"
#include "mpi_btl/engine/target.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::mpi {

struct Peer {
  EndpointId id;
  void* context = nullptr;
  bool is_open = false;  // There was a link; when the peer is lost, it is gone again.
  bool is_lost = false;
  bool is_told = false;  // The handlers know that it is lost.
  std::string failure;   // Why no link could be made; empty otherwise.
};

class RankEngine final : private ChannelHandler {
 public:
  static absl::StatusOr<std::unique_ptr<RankEngine>> Attach(const std::string& broker_path,
                                                            std::string_view name);
  // For tests: an endpoint that exists already.
  static absl::StatusOr<std::unique_ptr<RankEngine>> Create(std::unique_ptr<Endpoint> endpoint);

  // Says goodbye, and detaches from the broker. Memory of AllocateMemory() is gone then, unless
  // KeepMemory() was called.
  ~RankEngine() override;

  tombolo_address Address() const;
  size_t MaxMessageBytes() const;

  // See Channel.
  void SetPoolBytes(uint64_t bytes) { channel_->SetPoolBytes(bytes); }

  // Whether this is an address in the region of this process.
  bool IsInRegion(const void* address, size_t bytes) const;

  // Errors are ReadAddress()'s, or NotFound when the peer is not alive. The engine owns the peer.
  absl::StatusOr<Peer*> OpenPeer(const void* address, size_t bytes, void* context);
  void ClosePeer(Peer* peer);

  // nullptr: no room now, or the peer is lost.
  std::byte* TryClaim(Peer& peer, size_t bytes, Claim& claim) {
    if (!peer.is_open && !OpenLink(peer)) return nullptr;
    if (!channel_->TryClaim(peer.id, bytes, claim)) return nullptr;
    return is_staged_ ? staging_.Take(claim.payload) : claim.payload.data();
  }
  // Whether a claim that found no room is going to, sooner or later.
  bool WillHaveRoom(const Peer& peer, size_t bytes) const {
    return bytes <= channel_->MaxPayloadBytes(peer.id);
  }
  void Publish(const Claim& claim, uint8_t tag, size_t bytes) {
    if (is_staged_) staging_.Fill(claim.payload, bytes);
    channel_->Publish(claim, tag, bytes);
  }
  void Abandon(const Claim& claim) {
    if (is_staged_) staging_.Drop(claim.payload);
    channel_->Abandon(claim);
  }

  // Sends a copy of `message` as far as there is room, from byte `sent_bytes` on, which it moves.
  // True: all is on its way.
  bool TrySendCopy(Peer& peer, uint8_t tag, std::span<const std::byte> message, size_t& sent_bytes);

  // Memory of the region for the program; nullptr when there is none to spare. These four from any
  // thread, as RegionMemory says.
  std::byte* AllocateMemory(size_t bytes) { return memory_.Allocate(bytes); }
  bool FreeMemory(std::byte* memory) { return memory_.Free(memory); }
  bool IsRegionMemory(const std::byte* memory, size_t bytes) const {
    return memory_.HandleOf(memory, bytes).has_value();
  }
  std::span<std::byte> RegionExtents() const { return memory_.Extents(); }

  // When this engine is no more, all that AllocateMemory() gave and that was not freed is still
  // there, and this process a member of the region, until it ends.
  void KeepMemory() { keeps_memory_ = true; }

  // Lets others operate on memory of this process, wherever it is. `access`: kMayRead and so on,
  // ORed.
  MemoryHandle Register(std::byte* memory, size_t bytes, uint32_t access);
  void Deregister(const MemoryHandle& handle);

  EndpointId Self() const { return endpoint_->Id(); }

  // True: the operation on memory of the peer, or of this process, is done. Else Poll() tells of
  // its end.
  bool StartOperation(Peer& peer, const Operation& operation);

  int Poll(const tombolo_handlers& handlers);

  // The channel's sleep in two halves; see there.
  // What waits for room is sent by polling.
  bool PrepareToSleep() {
    return !origin_.IsWaiting() && !target_.IsWaiting() && channel_->PrepareToSleep();
  }
  int Readable() const { return channel_->Readable(); }
  void WakeUp() { channel_->WakeUp(); }

 private:
  RankEngine(std::unique_ptr<Endpoint> endpoint, std::unique_ptr<Channel> channel);

  void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) override;
  void OnDeparted(EndpointId id) override;
  void OnEngineMessage(EndpointId source, std::span<const std::byte> payload);
  void OnOperationMessage(EndpointId source, EngineMessage kind,
                          std::span<const std::byte> payload);
  void OnPiece(EndpointId source, const EngineHeader& header, std::span<const std::byte> piece);

  bool OpenLink(Peer& peer);
  bool TrySendPiece(Peer& peer, uint8_t tag, std::span<const std::byte> message,
                    size_t& sent_bytes);
  void SuspectTheDead(uint64_t epoch);
  void Suspect(Peer& peer, std::string failure);
  void SuspectById(EndpointId id, const std::string& failure);
  void Judge(Peer& peer, const tombolo_handlers& handlers);
  void JudgeSuspects(const tombolo_handlers& handlers);
  std::string WhyLost(const Peer& peer) const;
  int TellOfFinished(const tombolo_handlers& handlers);
  void SayGoodbye();
  bool TrySayGoodbye(EndpointId id);

  std::unique_ptr<Endpoint> endpoint_;
  std::unique_ptr<Channel> channel_;
  const tombolo_handlers* handlers_ = nullptr;  // While Poll() runs.
  std::vector<std::unique_ptr<Peer>> peers_;
  std::vector<Peer*> suspects_;  // To be judged when all that they sent was delivered.
  uint64_t epoch_ = 0;           // Of the membership, when the dead were last looked for.
  // By endpoint index: incarnations of those who know this one, and of those who said goodbye.
  std::vector<uint32_t> acquainted_;
  std::vector<uint32_t> left_;
  const bool is_staged_;  // Messages are not written and read where they lie.
  Staging staging_;
  Reassembler reassembler_;
  RegionMemory memory_;
  bool keeps_memory_ = false;
  Registrations registrations_;
  Origin origin_;
  Target target_;
};

}  // namespace tombolo::mpi

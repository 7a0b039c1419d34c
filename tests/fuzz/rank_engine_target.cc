// RankEngine: what engines say to each other, of any shape and order, from several peers that
// leave, die and come back, while the rank sends, registers memory and operates on memory of
// others. Whatever they say, they change no byte that they were not allowed to.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "mpi_btl/engine/address.h"
#include "mpi_btl/engine/engine_message.h"
#include "mpi_btl/engine/rank_engine.h"
#include "tests/fuzz/fuzz_region.h"
#include "tests/fuzz/hostile_loads.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"
#include "transport/channel/channel.h"

namespace tombolo::fuzz {
namespace {

using mpi::EngineMessage;

constexpr uint32_t kSelf = 1;
constexpr uint32_t kPeers = 3;
constexpr int kMostSteps = 200;
constexpr size_t kMostOpened = 6;
constexpr size_t kMostShown = 4;
constexpr size_t kShownBytes = 256;
constexpr size_t kLocalBytes = 4096;

// A peer that the transport finds no fault with, and that says what the input tells it to.
class Speaker final : public ChannelHandler {
 public:
  Speaker(FuzzRegion& region, uint32_t index) : region_(region), id_{index, 0} { Rejoin(); }

  EndpointId Id() const { return id_; }

  void Rejoin() {
    channel_.reset();
    endpoint_.reset();
    ++id_.incarnation;
    region_.SetState(id_, EndpointState::kLive);
    endpoint_ = region_.Attach(id_);
    channel_ = *Channel::Create(*endpoint_);
  }
  void Die() { region_.SetState(id_, EndpointState::kDead); }
  void Poll() { channel_->Poll(*this); }

  // Says `header` and as many bytes of the input behind it as that wants.
  template <typename T>
  void Say(EndpointId to, const T& header, uint8_t tag, Input& input) {
    const std::span<const uint8_t> more = input.Take(input.Below(64));
    if (!channel_->Open(to).ok()) return;
    Claim claim;
    if (!channel_->TryClaim(to, sizeof(header) + more.size(), claim)) return;
    memcpy(claim.payload.data(), &header, sizeof(header));
    if (!more.empty()) memcpy(claim.payload.data() + sizeof(header), more.data(), more.size());
    // Not always the whole header.
    const size_t bytes = input.Below(8) == 0 ? input.Below(sizeof(header)) : claim.payload.size();
    channel_->Publish(claim, tag, bytes);
  }

 private:
  void OnMessage(EndpointId, uint8_t, std::span<const std::byte>) override {}
  void OnDeparted(EndpointId) override {}

  FuzzRegion& region_;
  EndpointId id_;
  std::unique_ptr<Endpoint> endpoint_;
  std::unique_ptr<Channel> channel_;
};

// Memory that peers may do something with, alone in its allocation, so that AddressSanitizer sees
// what is beside it.
struct Shown {
  std::unique_ptr<std::array<uint8_t, kShownBytes>> bytes;
  mpi::MemoryHandle handle;
  uint32_t access = 0;
};

class RankEngineTarget {
 public:
  explicit RankEngineTarget(Input& input) : input_(input) {
    const EndpointId self{.index = kSelf, .incarnation = 1};
    region_.SetState(self, EndpointState::kLive);
    for (uint32_t i = 0; i < kPeers; ++i) {
      speakers_.push_back(std::make_unique<Speaker>(region_, kSelf + 1 + i));
    }
    engine_ = *mpi::RankEngine::Create(region_.Attach(self));
  }

  void Run() {
    for (int i = 0; i < kMostSteps && !input_.IsEmpty(); ++i) {
      if (input_.Below(2) == 0) {
        SpeakerStep();
      } else {
        const HostileLoads hostile(input_);
        UserStep();
      }
      if (ended_ > begun_) abort();
    }
    // Room for the goodbyes.
    for (const auto& speaker : speakers_) speaker->Poll();
  }

 private:
  Speaker& SomeSpeaker() { return *speakers_[input_.Below(kPeers)]; }

  void SpeakerStep() {
    Speaker& speaker = SomeSpeaker();
    switch (input_.Below(8)) {
      case 0:
        return speaker.Die();
      case 1:
        return speaker.Rejoin();
      case 2:
        return speaker.Poll();
      case 3:
        return speaker.Say(engine_->Self(), SomeHeader(), Tag(), input_);
      case 4:
      case 5:
        return speaker.Say(engine_->Self(), SomeReply(), Tag(), input_);
      default:
        return speaker.Say(engine_->Self(), SomeRequest(), Tag(), input_);
    }
  }

  uint8_t Tag() { return input_.Below(16) == 0 ? input_.Byte() : mpi::kEngineTag; }

  mpi::EngineHeader SomeHeader() {
    return {.kind = static_cast<EngineMessage>(input_.Below(10)),
            .tag = input_.Byte(),
            .total_bytes = input_.Below(4) == 0 ? input_.Number<uint32_t>() : input_.Below(256),
            .offset_bytes = input_.Below(4) == 0 ? input_.Number<uint32_t>() : input_.Below(256)};
  }

  mpi::OperationReply SomeReply() {
    return {.kind = static_cast<EngineMessage>(6 + input_.Below(3)),
            .operation = input_.Below(16),
            .offset_bytes = input_.Below(4) == 0 ? input_.Number<uint64_t>() : input_.Below(256),
            .value = input_.Number<uint16_t>()};
  }

  // For memory that is shown, if there is any; each number is now and then another.
  mpi::OperationRequest SomeRequest() {
    const Shown* shown =
        shown_.empty() ? nullptr : &shown_[input_.Below(kMostShown) % shown_.size()];
    const uint64_t base = shown == nullptr ? 0 : reinterpret_cast<uintptr_t>(shown->bytes->data());
    mpi::OperationRequest request{.kind = static_cast<EngineMessage>(3 + input_.Below(3)),
                                  .operation = input_.Below(16),
                                  .registration = shown == nullptr ? 0 : shown->handle.place,
                                  .generation = shown == nullptr ? 0 : shown->handle.generation,
                                  .address = base + input_.Below(kShownBytes),
                                  .bytes = input_.Below(2) == 0 ? 8 : input_.Below(kShownBytes),
                                  .is_last = input_.Below(2),
                                  .atomic = input_.Below(8),
                                  .operand = input_.Number<uint64_t>(),
                                  .expected = input_.Byte()};
    switch (input_.Below(16)) {
      case 0:
        request.registration = input_.Number<uint32_t>();
        break;
      case 1:
        request.generation = input_.Number<uint32_t>();
        break;
      case 2:
        request.address = input_.Number<uint64_t>();
        break;
      case 3:
        request.bytes = input_.Number<uint64_t>();
        break;
      default:
        break;
    }
    return request;
  }

  void UserStep() {
    switch (input_.Below(10)) {
      case 0:
        return Open();
      case 1:
        return Close();
      case 2:
        return Show();
      case 3:
        return Hide();
      case 4:
        return Operate();
      case 5:
        return Send();
      case 6:
        if (engine_->PrepareToSleep()) engine_->WakeUp();
        return;
      default:
        engine_->Poll({this, OnMessage, OnPeerLost, OnOperationDone});
        return CheckShown();
    }
  }

  void Open() {
    if (opened_.size() == kMostOpened) return;
    const tombolo_address address = mpi::MakeAddress(region_.View().Uuid(), SomeSpeaker().Id());
    if (const auto peer = engine_->OpenPeer(&address, sizeof(address), this); peer.ok()) {
      opened_.push_back(*peer);
    }
  }

  mpi::Peer* SomePeer() {
    if (opened_.empty()) return nullptr;
    return opened_[input_.Below(kMostOpened) % opened_.size()];
  }

  void Close() {
    mpi::Peer* peer = SomePeer();
    if (peer == nullptr) return;
    engine_->ClosePeer(peer);
    std::erase(opened_, peer);
  }

  void Show() {
    if (shown_.size() == kMostShown) return;
    Shown shown{.bytes = std::make_unique<std::array<uint8_t, kShownBytes>>(),
                .handle = {},
                .access = 1 + input_.Below(7)};
    auto* memory = reinterpret_cast<std::byte*>(shown.bytes->data());
    shown.handle = engine_->Register(memory, kShownBytes, shown.access);
    shown_.push_back(std::move(shown));
  }

  void Hide() {
    if (shown_.empty()) return;
    engine_->Deregister(shown_.back().handle);
    shown_.pop_back();
  }

  // Who may only read has changed nothing.
  void CheckShown() const {
    for (const Shown& shown : shown_) {
      if (shown.access != mpi::kMayRead) continue;
      if (std::ranges::any_of(*shown.bytes, [](uint8_t byte) { return byte != 0; })) abort();
    }
  }

  void Operate() {
    mpi::Peer* peer = SomePeer();
    if (peer == nullptr) return;
    mpi::Operation operation{
        .kind = static_cast<mpi::OperationKind>(input_.Below(3)),
        .target = peer->id,
        .local = reinterpret_cast<std::byte*>(local_.data()),
        .address = input_.Number<uint64_t>() & ~uint64_t{7},
        .handle = {.kind = static_cast<mpi::MemoryKind>(input_.Below(4) == 0 ? input_.Below(3) : 2),
                   .place = input_.Number<uint16_t>(),
                   .generation = input_.Byte(),
                   .owner_index = peer->id.index,
                   .owner_incarnation = peer->id.incarnation,
                   .reserved = 0,
                   .extents_address = 0},
        .bytes = input_.Below(kLocalBytes),
        .atomic = static_cast<mpi::AtomicOp>(1 + input_.Below(6)),
        .operand = 1,
        .expected = 2,
        .context = this};
    if (operation.kind == mpi::OperationKind::kAtomic) operation.bytes = 8;
    ++begun_;
    if (engine_->StartOperation(*peer, operation)) ++ended_;
  }

  void Send() {
    mpi::Peer* peer = SomePeer();
    if (peer == nullptr) return;
    const std::array<std::byte, 300> message{};
    size_t sent_bytes = 0;
    engine_->TrySendCopy(*peer, 1, std::span(message).first(input_.Below(300)), sent_bytes);
  }

  static void OnMessage(void*, uint8_t, const void*, size_t) {}
  static void OnPeerLost(void*, void*, const char*) {}
  static void OnOperationDone(void* self, void*, bool) {
    ++static_cast<RankEngineTarget*>(self)->ended_;
  }

  Input& input_;
  FuzzRegion region_;
  std::vector<std::unique_ptr<Speaker>> speakers_;
  std::vector<Shown> shown_;
  std::array<uint64_t, kLocalBytes / sizeof(uint64_t)> local_{};
  std::unique_ptr<mpi::RankEngine> engine_;
  std::vector<mpi::Peer*> opened_;
  uint64_t begun_ = 0;
  uint64_t ended_ = 0;
};

}  // namespace

void RunInput(std::span<const uint8_t> bytes) {
  Input input(bytes);
  RankEngineTarget(input).Run();
}

std::vector<Bytes> Seeds() {
  return {
      // Memory is shown; a peer puts into it, and gets from it.
      {1, 2, 6, 0, 0, 6, 0, 0, 0, 1, 4, 0, 8, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 9, 1, 0, 0, 1, 7},
      // An operation at a peer, and answers to it.
      {1, 0, 0, 1,  4, 0, 1, 8, 0, 0, 0, 0, 0, 0, 0, 1,
       1, 0, 0, 64, 0, 0, 0, 0, 4, 1, 0, 1, 0, 1, 7},
      // Pieces of a message, then goodbye.
      {0, 0, 3, 2, 5, 1, 8, 1, 0, 1, 4, 1, 2, 3, 4, 1, 1, 7, 0, 0, 3, 1, 0, 1, 0, 1, 0, 1, 1, 7},
      // Dies and comes back meanwhile.
      {1, 0, 1, 1, 5, 0, 200, 0, 1, 0, 1, 7, 0, 1, 1, 1, 0, 1, 1, 5, 1, 100, 1, 6, 1, 7},
  };
}

}  // namespace tombolo::fuzz

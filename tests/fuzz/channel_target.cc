// A Channel among peers of which the input writes every word: links, cells, descriptors of chunks
// and loans, credits, inbox, member table, extent map. Its user does all that a user may do: sends,
// keeps claims open for long, lends, keeps loans, does any of it from within callbacks.
#include <algorithm>
#include <cstring>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "tests/fuzz/fuzz_peer.h"
#include "tests/fuzz/fuzz_region.h"
#include "tests/fuzz/hostile_loads.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"
#include "transport/channel/channel.h"

namespace tombolo::fuzz {
namespace {

constexpr EndpointId kSelf{.index = 1, .incarnation = 1};
constexpr uint32_t kPeers = 3;
constexpr int kMostSteps = 200;
constexpr size_t kMostClaims = 8;
constexpr size_t kMostBuffers = 4;

class ChannelTarget final : public ChannelHandler {
 public:
  explicit ChannelTarget(Input& input) : input_(input) {
    region_.SetState(kSelf, EndpointState::kLive);
    for (uint32_t i = 0; i < kPeers; ++i) {
      peers_.push_back(std::make_unique<FuzzPeer>(region_, kSelf.index + 1 + i, kSelf));
    }
    endpoint_ = region_.Attach(kSelf);
    channel_ = *Channel::Create(*endpoint_);
  }

  void Run() {
    for (int i = 0; i < kMostSteps && !input_.IsEmpty(); ++i) Step();
    // What users must do before their channel ends.
    const HostileLoads hostile(input_);
    loans_.clear();
  }

  void OnMessage(EndpointId, uint8_t, std::span<const std::byte> payload) override {
    Read(payload);
    UseFromCallback();
  }

  void OnLoan(EndpointId source, uint8_t tag, Loan loan) override {
    OnMessage(source, tag, loan.Bytes());
    if (input_.Below(2) == 0) loans_.push_back(std::move(loan));
  }

  void OnReturned(EndpointId, uint64_t) override { UseFromCallback(); }
  void OnDeparted(EndpointId) override { UseFromCallback(); }

 private:
  FuzzPeer& SomePeer() { return *peers_[input_.Below(kPeers)]; }

  void Step() {
    if (input_.Below(2) == 0) {
      PeerStep();
    } else {
      const HostileLoads hostile(input_);
      UserStep();
    }
  }

  void PeerStep() {
    FuzzPeer& peer = SomePeer();
    switch (input_.Below(7)) {
      case 0:
        return peer.Send(input_);
      case 1:
        peer.AnyWord(input_).store(input_.Number<uint64_t>(), std::memory_order_seq_cst);
        return;
      case 2: {
        SharedU64& word = peer.AnyWord(input_);
        const uint64_t seen = word.load(std::memory_order_relaxed);
        word.store(seen + (uint64_t{input_.Byte()} << input_.Below(64)), std::memory_order_seq_cst);
        return;
      }
      case 3:
        return peer.Announce();
      case 4:
        return peer.Die();
      case 5:
        return peer.Rejoin();
      default:
        return ScribbleOverHeader(peer);
    }
  }

  // A header whose parts are each possible.
  void ScribbleOverHeader(FuzzPeer& peer) {
    const CellHeader header{.length = input_.Below(2048),
                            .cells = static_cast<uint8_t>(input_.Below(64)),
                            .kind = static_cast<CellKind>(input_.Below(8)),
                            .tag = input_.Byte(),
                            .lap = static_cast<uint16_t>(input_.Below(4))};
    peer.LinkToVictim().cells[input_.Below(kLinkCells)].header.store(Pack(header),
                                                                     std::memory_order_seq_cst);
    peer.Announce();
  }

  void UserStep() {
    switch (input_.Below(8)) {
      case 0:
      case 1:
      case 2:
        channel_->Poll(*this);
        return;
      case 3:
        if (channel_->PrepareToSleep()) channel_->WakeUp();
        return;
      case 4:
        if (channel_->PrepareToSleep()) {
          channel_->SleptInVain();
          channel_->WakeUp();
        }
        return;
      default:
        return Use();
    }
  }

  void UseFromCallback() {
    if (++depth_ == 1 && input_.Below(4) == 0) Use();
    --depth_;
  }

  void Use() {
    switch (input_.Below(7)) {
      case 0:
        channel_->Open(SomePeer().Id()).IgnoreError();
        return;
      case 1:
        return BeginClaim();
      case 2:
        return EndClaim();
      case 3:
        return Allocate();
      case 4:
        return Lend();
      case 5:
        return FreeBuffer();
      default:
        return DropLoan();
    }
  }

  void BeginClaim() {
    if (claims_.size() == kMostClaims) return EndClaim();
    const EndpointId id = SomePeer().Id();
    channel_->Open(id).IgnoreError();
    const size_t bytes = input_.Below(2) == 0 ? input_.Below(256) : input_.Below(40000);
    Claim claim;
    if (!channel_->TryClaim(id, bytes, claim)) return;
    Fill(claim);
    claims_.push_back(claim);
    if (input_.Below(2) == 0) EndClaim();
  }

  void EndClaim() {
    if (claims_.empty()) return;
    const size_t which = input_.Below(static_cast<uint32_t>(claims_.size()));
    const Claim claim = claims_[which];
    claims_.erase(claims_.begin() + static_cast<ptrdiff_t>(which));
    Fill(claim);
    if (input_.Below(4) == 0) {
      channel_->Abandon(claim);
    } else {
      channel_->Publish(claim, 1, claim.payload.size() / (1 + input_.Below(2)));
    }
  }

  static void Fill(const Claim& claim) { memset(claim.payload.data(), 0x55, claim.payload.size()); }

  void Allocate() {
    if (buffers_.size() == kMostBuffers) return;
    const auto buffer = channel_->Allocate(input_.Number<uint16_t>());
    if (!buffer.ok()) return;
    memset(buffer->bytes.data(), 0x77, buffer->bytes.size());
    buffers_.push_back(*buffer);
  }

  void Lend() {
    if (buffers_.empty()) return;
    const RegionBuffer& buffer = SomeBuffer();
    const EndpointId id = SomePeer().Id();
    channel_->Open(id).IgnoreError();
    channel_->TryLend(id, buffer, input_.Number<uint16_t>(), input_.Number<uint16_t>(), 2, 3)
        .IgnoreError();
    channel_->LoanCount(buffer);
  }

  const RegionBuffer& SomeBuffer() {
    return buffers_[input_.Below(static_cast<uint32_t>(buffers_.size()))];
  }

  void FreeBuffer() {
    if (buffers_.empty()) return;
    const RegionBuffer buffer = SomeBuffer();
    channel_->Free(buffer).IgnoreError();
    std::erase_if(buffers_, [&](const RegionBuffer& other) {
      return other.first_extent == buffer.first_extent;
    });
  }

  void DropLoan() {
    if (loans_.empty()) return;
    Read(loans_.front().Bytes());
    if (loans_.front().Intact()) Read(loans_.front().Bytes());
    loans_.pop_front();
  }

  // Each end of the bytes: what lies between them is in bounds if these are.
  void Read(std::span<const std::byte> bytes) {
    if (!bytes.empty()) read_ = bytes.front() ^ bytes.back();
  }

  Input& input_;
  FuzzRegion region_;
  std::vector<std::unique_ptr<FuzzPeer>> peers_;
  std::unique_ptr<Endpoint> endpoint_;
  std::unique_ptr<Channel> channel_;
  std::vector<Claim> claims_;
  std::vector<RegionBuffer> buffers_;
  std::deque<Loan> loans_;
  int depth_ = 0;
  std::byte read_{};
};

}  // namespace

void RunInput(std::span<const uint8_t> bytes) {
  Input input(bytes);
  ChannelTarget(input).Run();
}

std::vector<Bytes> Seeds() {
  return {
      // A message of each kind, and what came of it.
      {0, 0, 0, 0, 7, 5, 1, 2, 3, 4, 5, 1, 0, 0, 0, 1, 0, 4, 7, 0, 9, 0, 0, 0, 16, 7, 1, 0, 1, 0},
      {0, 0, 0, 4, 7, 0, 0, 0, 9, 0, 0, 1, 5, 6, 1, 0, 0, 1, 0, 5, 6, 1, 0},
      // Sends, claims that stay open, a peer that dies meanwhile.
      {1, 5, 1, 0, 0, 9, 0, 1, 5, 1, 0, 1, 64, 156, 1, 0, 0, 4, 1, 0, 1, 5, 2, 0, 1, 1, 5, 2, 0},
      // Lends, frees while it is lent.
      {1, 5, 3, 0, 32, 1, 5, 4, 0, 0, 0, 0, 16, 0, 1, 5, 5, 0, 1, 0, 0, 0, 4, 1, 0},
      // Sleeps.
      {1, 3, 0, 0, 0, 1, 2, 0, 1, 4, 1, 0, 1, 3},
  };
}

}  // namespace tombolo::fuzz

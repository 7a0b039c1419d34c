// Caller and Callee of one endpoint: frames and windows of any shape and order from several peers
// through real channels, while the user calls, replies, signals, cancels and looks into windows,
// also from within callbacks. In the end every call has ended.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/fuzz/fuzz_region.h"
#include "tests/fuzz/hostile_loads.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"
#include "transport/base/clock.h"
#include "transport/call/call_window.h"
#include "transport/call/callee.h"
#include "transport/call/caller.h"
#include "transport/channel/channel.h"
#include "transport/layout/call_frame.h"

namespace tombolo::fuzz {
namespace {

constexpr EndpointId kSelf{.index = 1, .incarnation = 1};
constexpr uint32_t kPeers = 2;
constexpr int kMostSteps = 200;
constexpr size_t kMostRemembered = 64;
constexpr uint64_t kBufferBytes = 2 * kCallPageBytes;
constexpr int64_t kLongestCallNs = 64 * kNsPerMs;

// A peer that sends whatever it likes, and takes whatever comes.
class Peer final : public ChannelHandler {
 public:
  Peer(const FuzzRegion& region, EndpointId id)
      : endpoint_(region.Attach(id)), channel_(*Channel::Create(*endpoint_)) {
    buffer_ = channel_->Allocate(kBufferBytes);
  }

  EndpointId Id() const { return endpoint_->Id(); }
  void Poll() { channel_->Poll(*this); }

  void Send(uint8_t tag, std::span<const std::byte> frame) {
    Claim claim;
    if (!channel_->Open(kSelf).ok() || !channel_->TryClaim(kSelf, frame.size(), claim)) return;
    std::ranges::copy(frame, claim.payload.begin());
    channel_->Publish(claim, tag, frame.size());
  }

  void Lend(uint8_t tag, uint64_t offset, uint64_t length) {
    if (!buffer_.ok() || !channel_->Open(kSelf).ok()) return;
    (void)channel_->TryLend(kSelf, *buffer_, offset, length, tag, 0);
  }

 private:
  void OnMessage(EndpointId, uint8_t, std::span<const std::byte>) override {}
  void OnDeparted(EndpointId) override {}

  std::unique_ptr<Endpoint> endpoint_;
  std::unique_ptr<Channel> channel_;
  absl::StatusOr<RegionBuffer> buffer_ = absl::UnavailableError("");
};

class CallTarget final : public ChannelHandler, public CallHandler {
 public:
  explicit CallTarget(Input& input) : input_(input) {
    region_.SetState(kSelf, EndpointState::kLive);
    for (uint32_t i = 0; i < kPeers; ++i) {
      region_.SetState({kSelf.index + 1 + i, 1}, EndpointState::kLive);
    }
    endpoint_ = region_.Attach(kSelf);
    channel_ = *Channel::Create(*endpoint_);
    buffer_ = *channel_->Allocate(kBufferBytes);
    callee_ = std::make_unique<Callee>(*channel_, *this);
    caller_ = std::make_unique<Caller>(*channel_);
    for (uint32_t i = 0; i < kPeers; ++i) {
      peers_.push_back(std::make_unique<Peer>(region_, EndpointId{kSelf.index + 1 + i, 1}));
    }
  }

  void Run() {
    const HostileLoads hostile(input_);
    for (int i = 0; i < kMostSteps && !input_.IsEmpty(); ++i) Step();
    caller_->Flush(now_ns_ + kLongestCallNs);
    for (const CallId& id : started_) {
      if (!caller_->TryTake(id)) abort();
    }
  }

 private:
  Peer& AnyPeer() { return *peers_[input_.Below(kPeers)]; }

  void Step() {
    switch (input_.Below(8)) {
      case 0:
      case 1:
        return SendFrame();
      case 2:
        return AnyPeer().Lend(ToTag(CallTag::kWindow), 512 * input_.Below(20),
                              512 * input_.Below(20));
      case 3:
        return AnyPeer().Send(Tag(), std::as_bytes(input_.Take(input_.Below(1100))));
      case 4:
        AnyPeer().Poll();
        return Turn();
      case 5:
        now_ns_ += input_.Below(32) * kNsPerMs;
        return Turn();
      case 6:
        if (input_.Below(8) == 0) region_.SetState(AnyPeer().Id(), EndpointState::kDead);
        return;
      default:
        return Use();
    }
  }

  void Turn() {
    channel_->Poll(*this);
    callee_->Flush(now_ns_);
    caller_->Flush(now_ns_);
  }

  uint8_t Tag() { return static_cast<uint8_t>(ToTag(CallTag::kRequest) + input_.Below(6)); }

  // A frame that is nearly what a peer may send.
  void SendFrame() {
    switch (input_.Below(4)) {
      case 0:
        return Send(CallTag::kRequest,
                    CallRequestHeader{.slot = input_.Below(18),
                                      .sequence = input_.Below(4),
                                      .method = input_.Below(4),
                                      .priority = input_.Byte(),
                                      .window = static_cast<uint8_t>(input_.Below(5)),
                                      .reserved = 0,
                                      .budget_ns = Budget()});
      case 1:
        return Send(CallTag::kReply,
                    CallReplyHeader{input_.Below(18), input_.Below(4), input_.Below(20), 0});
      case 2:
        return Send(CallTag::kSignal,
                    CallSignalHeader{input_.Below(18), input_.Below(4), input_.Below(70), 0});
      default:
        return Send(CallTag::kPriority, CallPriorityHeader{input_.Below(300), 0});
    }
  }

  uint64_t Budget() {
    return input_.Below(2) == 0 ? input_.Number<uint64_t>() : input_.Byte() * kNsPerMs;
  }

  template <typename Header>
  void Send(CallTag tag, const Header& header) {
    const auto body = std::as_bytes(input_.Take(input_.Below(40)));
    std::vector<std::byte> frame(sizeof(header));
    memcpy(frame.data(), &header, sizeof(header));
    frame.insert(frame.end(), body.begin(), body.end());
    AnyPeer().Send(ToTag(tag), frame);
  }

  void Use() {
    switch (input_.Below(6)) {
      case 0:
        return Start();
      case 1:
        if (!called_.empty()) Reply(called_[input_.Below(Count(called_))]);
        return;
      case 2:
        callee_->SetPriority(input_.Byte());
        return;
      case 3:
        if (!started_.empty()) caller_->Cancel(started_[input_.Below(Count(started_))]);
        return;
      case 4:
        if (started_.empty()) return;
        (void)caller_->Signal(started_[input_.Below(Count(started_))], input_.Below(70));
        return;
      default:
        return Take();
    }
  }

  static uint32_t Count(const std::vector<CallId>& ids) {
    return static_cast<uint32_t>(ids.size());
  }

  void Start() {
    if (started_.size() == kMostRemembered) return;
    CallRequest request{.method = 1,
                        .priority = input_.Byte(),
                        .arguments = std::as_bytes(input_.Take(input_.Below(40))),
                        .window = std::nullopt,
                        .limit_ns = 1 + input_.Below(60) * kNsPerMs};
    if (input_.Below(2) == 0) {
      request.window =
          LentWindow{buffer_, kCallPageBytes * input_.Below(3), kCallPageBytes * input_.Below(3),
                     static_cast<CallWindowUse>(input_.Below(4))};
    }
    const absl::StatusOr<CallId> id = caller_->Start(AnyPeer().Id(), request, now_ns_);
    if (id.ok()) started_.push_back(*id);
  }

  // A result is given once.
  void Take() {
    if (started_.empty()) return;
    const auto at = started_.begin() + input_.Below(Count(started_));
    if (!caller_->TryTake(*at)) return;
    const std::optional<CallResult> again = caller_->TryTake(*at);
    if (!again || !absl::IsNotFound(again->status)) abort();
    started_.erase(at);
  }

  void Reply(const CallId& id) {
    IncomingCall* call = callee_->Running(id);
    if (call == nullptr) return;
    if (call->window) UseWindow(*call->window);
    const std::vector<std::byte> result(input_.Below(1100));
    const absl::Status said = input_.Below(2) == 0 ? absl::OkStatus() : absl::AbortedError("no");
    const bool fits = result.size() <= kMaxCallBodyBytes;
    if (callee_->Reply(id, said, result).ok() != fits) abort();
    if ((callee_->Running(id) == nullptr) != fits) abort();
  }

  void UseWindow(CallWindow& window) {
    if (window.SizeBytes() == 0 || window.SizeBytes() % kCallPageBytes != 0) abort();
    std::vector<std::byte> bytes(input_.Below(5000));
    (void)window.Read(input_.Below(9000), bytes);
    (void)window.Write(input_.Below(9000), bytes);
  }

  void OnCall(IncomingCall& call) override {
    if (call.arguments.size() > kMaxCallBodyBytes) abort();
    if (callee_->Running(call.id) != &call) abort();
    if (called_.size() == kMostRemembered) called_.erase(called_.begin());
    called_.push_back(call.id);
    if (input_.Below(2) == 0) Reply(CallId(call.id));
  }
  void OnSignal(const CallId& call, uint32_t signal) override {
    if (signal >= kCallSignals) abort();
    if (input_.Below(2) == 0) Reply(CallId(call));
  }
  void OnAbandoned(const CallId& call) override { std::erase(called_, call); }

  void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) override {
    callee_->OnMessage(source, tag, payload);
    caller_->OnMessage(source, tag, payload);
  }
  void OnLoan(EndpointId source, uint8_t tag, Loan loan) override {
    callee_->OnLoan(source, tag, std::move(loan));
  }
  void OnReturned(EndpointId borrower, uint64_t cookie) override {
    caller_->OnReturned(borrower, cookie);
  }
  void OnDeparted(EndpointId peer) override {
    callee_->OnDeparted(peer);
    caller_->OnDeparted(peer);
  }

  Input& input_;
  FuzzRegion region_;
  std::unique_ptr<Endpoint> endpoint_;
  std::unique_ptr<Channel> channel_;
  RegionBuffer buffer_;
  std::unique_ptr<Callee> callee_;
  std::unique_ptr<Caller> caller_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::vector<CallId> started_;  // Whose results were not taken.
  std::vector<CallId> called_;   // That were handed out, and may run.
  int64_t now_ns_ = MonotonicNs();
};

}  // namespace

void RunInput(std::span<const uint8_t> bytes) {
  Input input(bytes);
  CallTarget(input).Run();
}

std::vector<Bytes> Seeds() {
  return {
      // A peer calls with a window for reading, and is answered at once.
      {0, 0, 3, 1, 1, 7, 1,   1, 60, 2, 'h', 'i', 0, 2, 0,
       0, 0, 8, 4, 0, 0, 200, 0, 10, 0, 0,   0,   5, 0, 0},
      // We call, are answered, and take the result.
      {7, 0, 5, 3, 'a', 'b', 'c', 50, 1, 0, 4, 0, 0, 1, 0, 1, 0, 2, 'o', 'k', 0, 4, 0, 7, 5, 0},
      // Calls that wait for their priority; a cancel; the peer dies.
      {7, 2, 200, 0, 0, 1, 1,  1, 9, 0, 1, 50, 0, 0, 4, 0, 7, 2, 0,
       4, 0, 7,   0, 9, 0, 30, 0, 1, 1, 0, 7,  3, 0, 6, 0, 0, 5, 9},
  };
}

}  // namespace tombolo::fuzz

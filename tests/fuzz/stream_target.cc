// StreamMux: frames of any shape and order from several peers, while the user of the streams
// connects, reads, writes, closes, resets and drops them, also from within callbacks.
#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "tests/fuzz/fuzz_region.h"
#include "tests/fuzz/hostile_loads.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"
#include "transport/channel/channel.h"
#include "transport/layout/stream_frame.h"
#include "transport/stream/stream_mux.h"

namespace tombolo::fuzz {
namespace {

constexpr EndpointId kSelf{.index = 1, .incarnation = 1};
constexpr uint32_t kPeers = 3;
constexpr int kMostSteps = 200;
constexpr size_t kMostHeld = 16;
constexpr StreamLimits kLimits{.least_window_bytes = 64,
                               .largest_window_bytes = 256,
                               .receive_bytes = 1024,
                               .max_streams = 12,
                               .max_streams_per_peer = 6};

// A peer whose channel takes whatever comes, so that the link to it has room again.
class Sink final : public ChannelHandler {
 public:
  Sink(const FuzzRegion& region, EndpointId id)
      : endpoint_(region.Attach(id)), channel_(*Channel::Create(*endpoint_)) {}

  void Poll() { channel_->Poll(*this); }

 private:
  void OnMessage(EndpointId, uint8_t, std::span<const std::byte>) override {}
  void OnDeparted(EndpointId) override {}

  std::unique_ptr<Endpoint> endpoint_;
  std::unique_ptr<Channel> channel_;
};

class StreamTarget final : public ChannelHandler, public StreamAcceptor {
 public:
  explicit StreamTarget(Input& input) : input_(input) {
    region_.SetState(kSelf, EndpointState::kLive);
    for (uint32_t i = 0; i < kPeers; ++i) region_.SetState(Peer(i), EndpointState::kLive);
    endpoint_ = region_.Attach(kSelf);
    channel_ = *Channel::Create(*endpoint_);
    for (uint32_t i = 0; i < kPeers; ++i) {
      sinks_.push_back(std::make_unique<Sink>(region_, Peer(i)));
    }
    mux_ = std::make_unique<StreamMux>(*channel_, this, kLimits);
  }
  ~StreamTarget() override { held_.clear(); }

  void Run() {
    const HostileLoads hostile(input_);
    for (int i = 0; i < kMostSteps && !input_.IsEmpty(); ++i) Step();
    // Streams go before their mux.
    is_over_ = true;
    held_.clear();
  }

 private:
  struct Held final : public StreamHandler {
    explicit Held(StreamTarget& its_target) : target(its_target) {}

    void OnReadable() override { target.FromCallback(*this); }
    void OnWritable() override { target.FromCallback(*this); }
    void OnReset(const absl::Status&) override { target.FromCallback(*this); }

    StreamTarget& target;
    std::unique_ptr<Stream> stream;
  };

  static EndpointId Peer(uint32_t i) { return {kSelf.index + 1 + i, 1}; }

  // Mostly one that lives; now and then another life of it, or one with a high index.
  EndpointId AnyPeer() {
    const uint32_t which = input_.Below(16);
    if (which == 15) return {input_.Below(64), 1};
    if (which == 14) return {Peer(0).index, 1 + input_.Below(3)};
    return Peer(which % kPeers);
  }

  void Step() {
    switch (input_.Below(8)) {
      case 0:
      case 1:
      case 2:
        return SendFrame();
      case 3:
        mux_->OnMessage(AnyPeer(), std::as_bytes(input_.Take(input_.Below(300))));
        return;
      case 4:
        sinks_[input_.Below(kPeers)]->Poll();
        channel_->Poll(*this);
        return;
      case 5:
        mux_->Flush();
        return;
      case 6:
        if (input_.Below(8) == 0) mux_->OnDeparted(AnyPeer());
        return;
      default:
        return Use();
    }
  }

  // A frame that is nearly what a peer may send.
  void SendFrame() {
    const StreamFrameHeader header{.type = static_cast<uint8_t>(input_.Below(8)),
                                   .from_opener = static_cast<uint8_t>(input_.Below(2)),
                                   .reserved = 0,
                                   .stream_id = input_.Below(8),
                                   .value = Value()};
    const auto body = std::as_bytes(input_.Take(input_.Below(300)));
    std::vector<std::byte> frame(sizeof(header));
    memcpy(frame.data(), &header, sizeof(header));
    frame.insert(frame.end(), body.begin(), body.end());
    mux_->OnMessage(AnyPeer(), frame);
  }

  uint64_t Value() {
    switch (input_.Below(4)) {
      case 0:
        return 0;
      case 1:
        return input_.Below(512);
      case 2:
        return input_.Number<uint64_t>();
      default:
        return ~uint64_t{0} - input_.Byte();
    }
  }

  void FromCallback(Held& held) {
    if (is_over_ || ++depth_ > 3) {
      --depth_;
      return;
    }
    if (input_.Below(2) == 0 && held.stream != nullptr) {
      UseStream(held);
    } else if (input_.Below(2) == 0) {
      Use();
    }
    --depth_;
  }

  void Use() {
    if (held_.empty() || input_.Below(4) == 0) return Connect();
    UseStream(*held_[input_.Below(static_cast<uint32_t>(held_.size()))]);
  }

  void Connect() {
    if (held_.size() == kMostHeld) return;
    held_.push_back(std::make_unique<Held>(*this));
    Held& held = *held_.back();
    auto stream = mux_->Connect(AnyPeer(), input_.Below(8) == 0 ? "no name" : "service", &held);
    if (stream.ok()) held.stream = *std::move(stream);
  }

  void UseStream(Held& held) {
    if (held.stream == nullptr) return;
    Stream& stream = *held.stream;
    switch (input_.Below(7)) {
      case 0:
        stream.Consume(std::min<size_t>(stream.Front().size(), input_.Below(300)));
        return;
      case 1: {
        const std::vector<std::byte> data(input_.Below(600));
        stream.Write(data);
        return;
      }
      case 2:
        return stream.NotifyWritable();
      case 3:
        return stream.CloseWrite();
      case 4:
        return stream.Reset(absl::AbortedError("enough"));
      case 5:
        // The handler stays: one that has no stream any more is never called.
        held.stream.reset();
        return;
      default:
        while (!stream.Front().empty()) stream.Consume(stream.Front().size());
        return;
    }
  }

  absl::Status OnConnect(EndpointId, std::string_view, std::unique_ptr<Stream>& stream) override {
    if (held_.size() == kMostHeld || input_.Below(4) == 0) return absl::UnavailableError("no");
    held_.push_back(std::make_unique<Held>(*this));
    Held& held = *held_.back();
    held.stream = std::move(stream);
    held.stream->SetHandler(&held);
    FromCallback(held);
    return absl::OkStatus();
  }

  void OnMessage(EndpointId source, uint8_t, std::span<const std::byte> payload) override {
    mux_->OnMessage(source, payload);
  }
  void OnDeparted(EndpointId peer) override { mux_->OnDeparted(peer); }

  Input& input_;
  FuzzRegion region_;
  std::unique_ptr<Endpoint> endpoint_;
  std::unique_ptr<Channel> channel_;
  std::vector<std::unique_ptr<Sink>> sinks_;
  std::unique_ptr<StreamMux> mux_;
  std::vector<std::unique_ptr<Held>> held_;
  int depth_ = 0;
  bool is_over_ = false;
};

}  // namespace

void RunInput(std::span<const uint8_t> bytes) {
  Input input(bytes);
  StreamTarget(input).Run();
}

std::vector<Bytes> Seeds() {
  return {
      // The peer opens, sends, ends.
      {0, 1, 1, 1, 1, 100, 3, 'a', 'b', 'c', 0, 1, 0, 3, 1, 1,
       0, 5, 1, 2, 3, 4,   5, 0,   4,   1,   1, 1, 5, 0, 0},
      // Connects, is accepted, writes, gets credits, closes.
      {7,   0, 0, 1, 5, 0, 2, 0, 1, 1, 255, 0, 0, 7, 1, 0, 1,
       200, 0, 4, 0, 0, 5, 0, 1, 1, 1, 255, 0, 0, 7, 1, 0, 3},
      // A reset, a departure, another life of the same index.
      {0, 1, 1, 1, 0, 2, 'x', 'y', 0, 1, 0, 6,   1,  1, 0,
       0, 0, 6, 0, 0, 0, 1,   1,   2, 0, 1, 'z', 14, 1},
  };
}

}  // namespace tombolo::fuzz

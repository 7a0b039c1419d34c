// One endpoint with a channel and streams, and handlers that record what they are told.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/transport/channel/simulated_members.h"
#include "transport/channel/channel.h"
#include "transport/channel/tags.h"
#include "transport/stream/stream_mux.h"

namespace tombolo {

inline std::span<const std::byte> BytesOf(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

inline std::string TextOf(std::span<const std::byte> bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

// Bytes `from` to `to` of an endless text that is different everywhere and for each seed.
inline std::string Pattern(uint64_t seed, uint64_t from, uint64_t to) {
  std::string text;
  for (uint64_t i = from; i < to; ++i) {
    text.push_back(static_cast<char>((seed + i / 253) * 131 + i * 7));
  }
  return text;
}

// Reads everything at once, unless it is told to be slow.
class RecordingHandler final : public StreamHandler {
 public:
  void OnReadable() override {
    ++readable_calls;
    if (!slow) ReadAll();
  }
  void OnWritable() override { ++writable_calls; }
  void OnReset(const absl::Status& why) override { reset = why; }

  void ReadAll() {
    while (!stream->Front().empty()) {
      received += TextOf(stream->Front());
      stream->Consume(stream->Front().size());
    }
  }

  std::unique_ptr<Stream> stream;
  bool slow = false;
  std::string received;
  int readable_calls = 0;
  int writable_calls = 0;
  std::optional<absl::Status> reset;
};

class StreamNode final : public ChannelHandler, public StreamAcceptor {
 public:
  StreamNode(SimulatedMembers& members, std::string_view name, const StreamLimits& limits = {})
      : StreamNode(members.Join(name), limits) {}
  explicit StreamNode(std::unique_ptr<Endpoint> own, const StreamLimits& limits = {})
      : endpoint(std::move(own)),
        channel(*Channel::Create(*endpoint)),
        mux(std::make_unique<StreamMux>(*channel, this, limits)) {}

  EndpointId Id() const { return endpoint->Id(); }

  // One turn; true when something happened.
  bool Turn() {
    const bool delivered = channel->Poll(*this) != 0;
    return mux->Flush() || delivered;
  }

  // A stream to `service` of `peer`; the handler has it already.
  std::unique_ptr<RecordingHandler> Connect(const StreamNode& peer, std::string_view service) {
    auto handler = std::make_unique<RecordingHandler>();
    handler->stream = *mux->Connect(peer.Id(), service, handler.get());
    return handler;
  }

  void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) override {
    if (tag == ToTag(AgentTag::kStream)) mux->OnMessage(source, payload);
  }
  void OnDeparted(EndpointId peer) override { mux->OnDeparted(peer); }

  absl::Status OnConnect(EndpointId, std::string_view service,
                         std::unique_ptr<Stream>& stream) override {
    if (service == "refused") return absl::PermissionDeniedError("not on the list");
    auto handler = std::make_unique<RecordingHandler>();
    handler->slow = service == "slow";
    handler->stream = std::move(stream);
    handler->stream->SetHandler(handler.get());
    accepted.push_back(std::move(handler));
    services.emplace_back(service);
    return absl::OkStatus();
  }

  std::unique_ptr<Endpoint> endpoint;
  std::unique_ptr<Channel> channel;
  std::unique_ptr<StreamMux> mux;
  std::vector<std::unique_ptr<RecordingHandler>> accepted;
  std::vector<std::string> services;
};

// Turns both until neither has anything to do.
inline void Settle(StreamNode& a, StreamNode& b) {
  for (int quiet = 0; quiet < 3;) {
    bool busy = a.Turn();
    busy |= b.Turn();
    quiet = busy ? 0 : quiet + 1;
  }
}

}  // namespace tombolo

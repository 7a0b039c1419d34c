// Members of a simulated region that exchange texts, for the tests of Channel.
#pragma once

#include <string.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/transport/channel/simulated_members.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo {

struct Received {
  EndpointId source;
  uint8_t tag;
  std::string payload;
};

class Recorder final : public ChannelHandler {
 public:
  void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) override {
    messages.push_back(
        {source, tag, std::string(reinterpret_cast<const char*>(payload.data()), payload.size())});
  }
  void OnDeparted(EndpointId peer) override { departed.push_back(peer); }

  std::vector<Received> messages;
  std::vector<EndpointId> departed;
};

struct Member {
  explicit Member(SimulatedMembers& members, std::string_view name)
      : endpoint(members.Join(name)), channel(*Channel::Create(*endpoint)) {}

  EndpointId Id() const { return endpoint->Id(); }

  bool Send(const Member& to, uint8_t tag, std::string_view text) {
    if (!channel->Open(to.Id()).ok()) return false;
    Claim claim;
    if (!channel->TryClaim(to.Id(), text.size(), claim)) return false;
    memcpy(claim.payload.data(), text.data(), text.size());
    channel->Publish(claim, tag, text.size());
    return true;
  }

  std::unique_ptr<Endpoint> endpoint;
  std::unique_ptr<Channel> channel;
  Recorder recorder;
};

inline std::string Pattern(size_t size, uint64_t seed) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(seed * 131 + i * 7 + i / 251);
  return text;
}

}  // namespace tombolo

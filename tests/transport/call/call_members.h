// A caller and a callee of a simulated region, whose calls a test replies to by hand.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/transport/channel/simulated_members.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"
#include "transport/call/call_window.h"
#include "transport/call/callee.h"
#include "transport/call/caller.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/layout/call_frame.h"

namespace tombolo {

inline std::span<const std::byte> BytesOf(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

inline std::string TextOf(std::span<const std::byte> bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

struct CallMember {
  CallMember(SimulatedMembers& members, std::string_view name)
      : endpoint(members.Join(name)), channel(*Channel::Create(*endpoint)) {}
  EndpointId Id() const { return endpoint->Id(); }

  std::unique_ptr<Endpoint> endpoint;
  std::unique_ptr<Channel> channel;
};

struct CallingMember : CallMember {
  using CallMember::CallMember;

  void Turn(int64_t now_ns = MonotonicNs()) {
    channel->Poll(caller);
    caller.Flush(now_ns);
  }

  Caller caller{*channel};
};

// Records what it is called for; replies to nothing.
struct ServingMember : CallMember, CallHandler {
  using CallMember::CallMember;

  void Turn(int64_t now_ns = MonotonicNs()) {
    channel->Poll(callee);
    callee.Flush(now_ns);
  }
  void OnCall(IncomingCall& call) override {
    calls.push_back(call.id);
    methods.push_back(call.method);
    arguments.push_back(TextOf(call.arguments));
  }
  void OnSignal(const CallId& call, uint32_t signal) override {
    signals.emplace_back(call.slot, signal);
  }
  void OnAbandoned(const CallId& call) override { abandoned.push_back(call); }

  std::vector<CallId> calls;
  std::vector<uint32_t> methods;
  std::vector<std::string> arguments;
  std::vector<std::pair<uint32_t, uint32_t>> signals;
  std::vector<CallId> abandoned;
  Callee callee{*channel, *this};
};

constexpr int64_t kCallLimitNs = 1000 * kNsPerSecond;

inline CallRequest Request(uint32_t method, std::string_view arguments = {}) {
  return CallRequest{.method = method,
                     .priority = 0,
                     .arguments = BytesOf(arguments),
                     .window = std::nullopt,
                     .limit_ns = kCallLimitNs};
}

}  // namespace tombolo

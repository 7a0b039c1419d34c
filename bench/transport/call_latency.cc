#include "bench/transport/call_latency.h"

#include <array>
#include <string>

#include "bench/transport/require.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"
#include "transport/call/call_window.h"

namespace tombolo::bench {
namespace {

constexpr std::array<std::byte, 8> kBody{};
constexpr int64_t kLimitNs = 10 * kNsPerSecond;

}  // namespace

CallLatency::CallLatency(size_t window_bytes)
    : Measurement("call/" + std::to_string(window_bytes), "ns"), window_bytes_(window_bytes) {}

void CallLatency::Prepare(Side side) {
  members_.Open(side);
  if (side == Side::kLead) {
    if (window_bytes_ != 0) buffer_ = Require(members_.Own().Allocate(window_bytes_));
    caller_.emplace(members_.Own());
  } else {
    source_.resize(window_bytes_);
    callee_.emplace(members_.Own(), static_cast<CallHandler&>(*this));
  }
}

void CallLatency::CallOnce(const CallRequest& request) {
  const CallId id = Require(caller_->Start(members_.Peer(), request));
  std::optional<CallResult> result;
  while (!(result = caller_->TryTake(id))) {
    members_.Own().Poll(*caller_);
    caller_->Flush();
  }
  if (!result->status.ok()) Fail("a call was answered with an error");
}

double CallLatency::Lead() {
  CallRequest request{
      .method = 1, .priority = 0, .arguments = kBody, .window = std::nullopt, .limit_ns = kLimitNs};
  if (window_bytes_ != 0) {
    request.window = LentWindow{buffer_, 0, window_bytes_, CallWindowUse::kWrite};
  }
  const int64_t start_ns = MonotonicNs();
  for (uint64_t i = 0; i < kCalls; ++i) CallOnce(request);
  return static_cast<double>(MonotonicNs() - start_ns) / kCalls;
}

void CallLatency::Follow() {
  for (replied_ = 0; replied_ < kCalls;) {
    members_.Own().Poll(*callee_);
    callee_->Flush();
  }
}

void CallLatency::OnCall(IncomingCall& call) {
  if (call.window && !call.window->Write(0, source_).ok()) Fail("a window was not to be written");
  if (!callee_->Reply(call.id, absl::OkStatus(), kBody).ok()) Fail("a call was not to be answered");
  ++replied_;
}

}  // namespace tombolo::bench

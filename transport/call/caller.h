// Caller: remote calls to other endpoints of the region, each with a deadline.
//
//   caller                                          callee (callee.h)
//   Start(peer, request)   --- request [, window] -> OnCall(call)
//   Signal(id, n)          --- signal ------------>  OnSignal(call, n)
//   TryTake(id), Await(id) <-- reply --------------  Reply(call, status, result)
//
// A request is a method, up to kMaxCallBodyBytes of arguments, and perhaps a window: whole pages of
// the caller's memory that the callee reads or writes in place. A result has up to
// kMaxCallBodyBytes. At most kCallSlots calls are out to one callee; the next one is refused here.
// Calls are answered in any order, and are sent the most urgent first; below the priority that the
// callee has told they wait here, so that it is neither rung nor disturbed (Callee::SetPriority).
//
// Every call ends: with its answer once its window is back, at its deadline, by Cancel(), or at
// once when the callee is dead. A call that ended early is cancelled at the callee too, which may
// have run it, wholly or in part. What it may still write to then, CallResult tells.
//
// It is a ChannelHandler itself for programs that only call; others give it what their own handler
// gets, and call Flush() after each Poll(), before the channel may sleep. Loans that the program
// makes of its own must not have cookies that begin with 0xca11.
//
// Peers may be hostile: a callee that breaks the protocol has all its calls ended, and is not
// called again. Not thread-safe: all of it belongs to the thread that polls the channel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/base/clock.h"
#include "transport/call/call_id.h"
#include "transport/call/outgoing_calls.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo {

class Caller final : public ChannelHandler {
 public:
  // `channel` must outlive it.
  explicit Caller(Channel& channel) : channel_(channel) {}

  // Begins a call. InvalidArgument: too many arguments, no time, or a window that is not of whole
  // pages of a buffer. NotFound: `callee` is not alive. ResourceExhausted: too many calls are out,
  // or the region is full. FailedPrecondition: the callee has broken the protocol.
  absl::StatusOr<CallId> Start(EndpointId callee, const CallRequest& request,
                               int64_t now_ns = MonotonicNs());

  // The result, once; nothing while the call runs. NotFound: it was taken, or never begun.
  std::optional<CallResult> TryTake(const CallId& id);

  // Waits for the result as Channel::Wait() does. `handler` is given what comes meanwhile, and
  // passes on to this caller what is its.
  CallResult Await(const CallId& id, ChannelHandler& handler);
  CallResult Await(const CallId& id) { return Await(id, *this); }

  // Start() and Await().
  CallResult Call(EndpointId callee, const CallRequest& request);

  // The call ends here now, and the callee is told.
  void Cancel(const CallId& id);

  // Interrupts a call: what `signal`, 1 to kCallSignals - 1, means is up to the method. NotFound:
  // it is not running. InvalidArgument: no such signal. Unavailable: no room in the link now.
  absl::Status Signal(const CallId& id, uint32_t signal);

  // Sends what waited, and ends what is late.
  void Flush(int64_t now_ns = MonotonicNs());

  // How long the channel may sleep without a deadline being missed.
  int64_t MaxSleepNs(int64_t now_ns = MonotonicNs()) const;

  // What is not of calls, and what the other side of calls gets (callee.h), is ignored.
  void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) override;
  void OnReturned(EndpointId borrower, uint64_t cookie) override;
  void OnDeparted(EndpointId peer) override;

  // Callees that broke the protocol.
  uint64_t BannedCount() const { return banned_; }

 private:
  absl::Status CheckRequest(const CallRequest& request) const;
  OutgoingCalls* Find(EndpointId callee);
  bool Dispatch(OutgoingCalls& calls, uint8_t tag, std::span<const std::byte> payload);

  Channel& channel_;
  // Those that are dead stay until their last result was taken.
  std::map<EndpointId, std::unique_ptr<OutgoingCalls>> callees_;
  uint64_t banned_ = 0;
};

}  // namespace tombolo

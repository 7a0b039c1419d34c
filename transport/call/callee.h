// Callee: serves the remote calls of other endpoints (caller.h has the whole of the protocol).
//
// Calls are handed to the handler in Flush(), the most urgent first, and are replied to there or at
// any time later, in any order; each is replied to once, also when it was cancelled. SetPriority()
// says what this program is busy with: less urgent calls that are here wait, and callers are told
// to keep others to themselves, so that nothing is rung for them until it is lowered again.
//
// The user polls the channel, gives this what its own handler gets, or itself, and calls Flush()
// after each Poll(), before the channel may sleep. Of each caller it keeps at most kCallSlots calls
// with their arguments.
//
// Peers may be hostile. Frames are copied once, checked, and used from the copy; a caller that
// breaks the protocol has its calls dropped and is not listened to any more. What arguments and
// windows contain is for the handler to distrust. Not thread-safe: all of it belongs to the thread
// that polls the channel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>

#include "absl/status/status.h"
#include "transport/base/clock.h"
#include "transport/call/call_id.h"
#include "transport/call/incoming_calls.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo {

class CallHandler {
 public:
  virtual ~CallHandler() = default;

  // `call` runs from now on, until Callee::Reply(); it lies where it is until then.
  virtual void OnCall(IncomingCall& call) = 0;

  // The caller interrupts a running call. kCancelSignal: nobody waits for the reply, which is due
  // all the same. Signals of one number that come close together are one.
  virtual void OnSignal(const CallId& call, uint32_t signal) {
    (void)call;
    (void)signal;
  }

  // The caller is dead or was dropped while the call ran: it is over, and its IncomingCall is gone
  // when this returns. Called from within Poll().
  virtual void OnAbandoned(const CallId& call) { (void)call; }
};

class Callee final : public ChannelHandler {
 public:
  // Both must outlive it.
  Callee(Channel& channel, CallHandler& handler) : channel_(channel), handler_(handler) {}

  // Ends a running call; its window goes back at once. Of an error the message is sent. NotFound:
  // it does not run. InvalidArgument: the result has more than kMaxCallBodyBytes; it still runs.
  absl::Status Reply(const CallId& id, const absl::Status& status,
                     std::span<const std::byte> result = {});

  // nullptr: it does not run.
  IncomingCall* Running(const CallId& id);

  // Takes no calls below `priority` until this is called again; callers learn of it in Flush().
  void SetPriority(uint8_t priority) { priority_ = priority; }

  // Hands out what has come, and sends what is due.
  void Flush(int64_t now_ns = MonotonicNs());

  void OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) override;
  void OnLoan(EndpointId source, uint8_t tag, Loan loan) override;
  void OnDeparted(EndpointId peer) override;

  // Callers that broke the protocol.
  uint64_t BannedCount() const { return banned_; }

 private:
  IncomingCalls* Find(EndpointId caller);
  bool Dispatch(EndpointId source, uint8_t tag, std::span<const std::byte> payload);
  bool RunMostUrgent();
  void Ban(EndpointId caller);
  void Abandon(IncomingCalls& calls);

  Channel& channel_;
  CallHandler& handler_;
  std::map<EndpointId, std::unique_ptr<IncomingCalls>> callers_;
  uint8_t priority_ = 0;
  uint64_t banned_ = 0;
};

}  // namespace tombolo

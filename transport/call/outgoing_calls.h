// OutgoingCalls: the slots of one caller at one callee.
//
//   free -> held -> sent -> answered, and the window is back -> free
//
// A call that is over for its user (cancelled, out of time) keeps its slot until the callee has
// answered and returned the window: so no slot means two calls, and a callee never has more than
// kCallSlots of one caller. Not thread-safe; used by Caller only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/call/call_id.h"
#include "transport/channel/channel.h"
#include "transport/layout/call_frame.h"

namespace tombolo {

// Whole pages of a buffer that Channel::Allocate() gave, for the callee to read or write. Until the
// call is over nobody else touches them.
struct LentWindow {
  RegionBuffer buffer;
  uint64_t offset_bytes = 0;
  uint64_t length_bytes = 0;
  CallWindowUse use = CallWindowUse::kRead;
};

struct CallRequest {
  uint32_t method = 0;
  uint8_t priority = 0;                  // Larger is more urgent.
  std::span<const std::byte> arguments;  // At most kMaxCallBodyBytes; copied.
  std::optional<LentWindow> window;
  int64_t limit_ns = 0;  // How long it may take in all; more than 0.
};

struct CallResult {
  // The callee's answer; or DeadlineExceeded, Cancelled, Unavailable (it departed), Internal (it
  // broke the protocol).
  absl::Status status;
  std::vector<std::byte> bytes;
  // False: the callee may still read or write the window. Channel::LoanCount() of the buffer tells
  // when that is over.
  bool window_is_back = true;
};

class OutgoingCalls {
 public:
  OutgoingCalls(Channel& channel, EndpointId callee) : channel_(channel), callee_(callee) {}

  // Takes a slot. ResourceExhausted: none is free.
  absl::StatusOr<CallId> Begin(const CallRequest& request, int64_t now_ns);

  // What the channel brought. False: no callee that keeps to the protocol sends that.
  bool OnReply(const CallReplyHeader& header, std::span<const std::byte> body);
  bool OnPriority(const CallPriorityHeader& header);
  void OnReturned(uint64_t cookie);

  // Sends what is due and has room, the most urgent first; ends what has run out of time.
  void Flush(int64_t now_ns);
  // INT64_MAX: no call waits.
  int64_t NextDeadlineNs() const;

  // All calls end with `why`: the callee is dead, or not listened to any more.
  void Close(const absl::Status& why);
  bool IsClosed() const { return closed_; }
  bool IsEmpty() const;

  // The result once it is there; it is given once.
  std::optional<CallResult> TryTake(const CallId& id);
  // Whether the result is still to be taken.
  bool Has(const CallId& id) const {
    const Call* call = Find(id.slot, id.sequence);
    return call != nullptr && !call->is_taken;
  }
  bool IsRunning(const CallId& id) const {
    const Call* call = Find(id.slot, id.sequence);
    return call != nullptr && call->is_sent && !call->is_answered;
  }
  void Cancel(const CallId& id);
  // False: no room now.
  bool TrySignal(const CallId& id, uint32_t signal);

 private:
  struct Call {
    uint32_t sequence = 0;
    bool in_use = false;
    bool is_sent = false;
    bool is_answered = false;
    bool window_is_out = false;
    bool is_taken = false;
    bool owes_cancel = false;
    uint64_t order = 0;  // Of Begin().
    uint32_t method = 0;
    uint8_t priority = 0;
    int64_t deadline_ns = 0;
    std::optional<LentWindow> window;
    std::vector<std::byte> bytes;         // The arguments, then the result.
    absl::Status answer;                  // Once it is answered.
    std::optional<absl::Status> outcome;  // Once it is over for the user.
  };

  const Call* Find(uint32_t slot, uint32_t sequence) const;
  Call* Find(uint32_t slot, uint32_t sequence) {
    return const_cast<Call*>(std::as_const(*this).Find(slot, sequence));
  }
  uint32_t SlotOf(const Call& call) const { return static_cast<uint32_t>(&call - calls_.data()); }
  Call* MostUrgentHeld();
  bool TrySend(Call& call, int64_t now_ns);
  bool TryLend(Call& call, const Claim& claim);
  void Expire(int64_t now_ns);
  void PayCancels();
  void EndEarly(Call& call, absl::Status why);
  void EndIfComplete(Call& call);
  void FreeIfOver(Call& call);

  Channel& channel_;
  EndpointId callee_;
  std::array<Call, kCallSlots> calls_;
  uint64_t begun_ = 0;
  uint32_t callee_priority_ = 0;    // It takes no calls below it.
  bool waits_for_returns_ = false;  // Too much is lent to it.
  bool closed_ = false;
};

}  // namespace tombolo

// IncomingCalls: the calls of one caller, in the slots that it named.
//
//   free -> (awaits window) -> waiting -> running -> reply due -> free
//
// Everything that the caller said was copied and checked before it is in here. Not thread-safe;
// used by Callee only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "transport/call/call_id.h"
#include "transport/call/call_window.h"
#include "transport/channel/channel.h"
#include "transport/channel/loan.h"
#include "transport/layout/call_frame.h"

namespace tombolo {

// A call as its handler sees it; until it is replied to.
struct IncomingCall {
  CallId id;
  uint32_t method = 0;
  uint8_t priority = 0;
  int64_t deadline_ns = 0;  // By our clock; the caller's word, so only worth for giving up early.
  std::vector<std::byte> arguments;  // Private memory.
  std::optional<CallWindow> window;
};

class IncomingCalls {
 public:
  IncomingCalls(Channel& channel, EndpointId caller) : channel_(channel), caller_(caller) {}

  // What came. False: no caller that keeps to the protocol sends that.
  bool OnRequest(const CallRequestHeader& header, std::span<const std::byte> arguments,
                 int64_t now_ns);
  bool OnWindow(Loan loan);
  bool OnSignal(const CallSignalHeader& header);

  // The most urgent call that waits, of `priority` or above; nullptr when there is none. The oldest
  // first among equals.
  const IncomingCall* MostUrgent(uint8_t priority) const;
  // It waits no more.
  IncomingCall* Run(const CallId& id);
  IncomingCall* Running(const CallId& id);

  // Takes a signal of a running call; nothing when there is none left.
  struct Signal {
    CallId id;
    uint32_t signal = 0;
  };
  std::optional<Signal> TakeSignal();

  // Ends a call: its window goes back at once, its reply when there is room.
  void Reply(const CallId& id, const absl::Status& status, std::span<const std::byte> result);

  // Sends what is due; tells the caller of `priority`. Calls that nobody waits for any more are
  // answered before they have run.
  void Flush(uint8_t priority, int64_t now_ns);

  std::vector<CallId> Running() const;

  // Drops all calls and windows, and takes no more.
  void Close();
  bool IsClosed() const { return closed_; }

 private:
  enum class Stage { kAwaitsWindow, kWaiting, kRunning, kReplyDue };

  struct Slot {
    Stage stage = Stage::kWaiting;
    uint64_t order = 0;  // Of arrival.
    CallWindowUse use = CallWindowUse::kNone;
    uint64_t signals = 0;  // Those that came and were not taken, a bit each.
    IncomingCall call;
    absl::StatusCode code = absl::StatusCode::kOk;
    std::vector<std::byte> reply;
  };

  Slot* Find(uint32_t slot, uint32_t sequence, Stage stage);
  void GiveUpLate(int64_t now_ns);
  bool TryReply(uint32_t slot);

  Channel& channel_;
  EndpointId caller_;
  std::array<std::unique_ptr<Slot>, kCallSlots> slots_;
  std::optional<uint32_t> awaits_window_;  // The slot whose window comes next.
  uint64_t arrived_ = 0;
  uint8_t told_priority_ = 0;
  bool closed_ = false;
};

}  // namespace tombolo

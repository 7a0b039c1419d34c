// Frames of remote calls: how a message begins that belongs to one (transport/call has the
// protocol). Its tag says which of them it is, the rest of the message is its body.
//
//   tag       struct              body
//   request   CallRequestHeader   arguments
//   window    - (a loan)          whole pages of the caller's: the request before named them
//   reply     CallReplyHeader     result, or why there is none, for people
//   signal    CallSignalHeader    -
//   priority  CallPriorityHeader  -
//
// Requests, windows and signals go from caller to callee, replies and priorities back. A call is
// (two endpoints, who calls, slot, sequence).
#pragma once

#include <cstddef>
#include <cstdint>

namespace tombolo {

// Beside those of transport/channel/tags.h: one endpoint may have agents' messages and calls.
enum class CallTag : uint8_t {
  kRequest = 16,
  kWindow = 17,
  kReply = 18,
  kSignal = 19,
  kPriority = 20,
};

constexpr uint8_t ToTag(CallTag tag) { return static_cast<uint8_t>(tag); }

// Calls that one caller may have with one callee at once.
inline constexpr uint32_t kCallSlots = 16;
inline constexpr size_t kMaxCallBodyBytes = 1024;

// What a callee does with the window of a call; bits.
enum class CallWindowUse : uint8_t { kNone = 0, kRead = 1, kWrite = 2, kReadWrite = 3 };

struct CallRequestHeader {
  uint32_t slot;      // Of the caller's, below kCallSlots; free again with the reply.
  uint32_t sequence;  // Counts what the slot was used for; the reply repeats both.
  uint32_t method;
  uint8_t priority;  // Larger is more urgent.
  uint8_t window;    // CallWindowUse; not 0: the next message of these tags is the window.
  uint16_t reserved;
  uint64_t budget_ns;  // How long the caller goes on waiting: clocks are not compared.
};

struct CallReplyHeader {
  uint32_t slot;
  uint32_t sequence;
  uint32_t code;  // absl::StatusCode
  uint32_t reserved;
};

inline constexpr uint32_t kCallSignals = 64;
inline constexpr uint32_t kCancelSignal = 0;  // Nobody waits for the reply any more.

struct CallSignalHeader {
  uint32_t slot;
  uint32_t sequence;
  uint32_t signal;  // Below kCallSignals.
  uint32_t reserved;
};

struct CallPriorityHeader {
  uint32_t priority;  // The callee takes no calls below it now.
  uint32_t reserved;
};

static_assert(offsetof(CallRequestHeader, slot) == 0);
static_assert(offsetof(CallRequestHeader, sequence) == 4);
static_assert(offsetof(CallRequestHeader, method) == 8);
static_assert(offsetof(CallRequestHeader, priority) == 12);
static_assert(offsetof(CallRequestHeader, window) == 13);
static_assert(offsetof(CallRequestHeader, reserved) == 14);
static_assert(offsetof(CallRequestHeader, budget_ns) == 16);
static_assert(sizeof(CallRequestHeader) == 24);
static_assert(offsetof(CallReplyHeader, slot) == 0);
static_assert(offsetof(CallReplyHeader, sequence) == 4);
static_assert(offsetof(CallReplyHeader, code) == 8);
static_assert(sizeof(CallReplyHeader) == 16);
static_assert(offsetof(CallSignalHeader, slot) == 0);
static_assert(offsetof(CallSignalHeader, sequence) == 4);
static_assert(offsetof(CallSignalHeader, signal) == 8);
static_assert(sizeof(CallSignalHeader) == 16);
static_assert(offsetof(CallPriorityHeader, priority) == 0);
static_assert(sizeof(CallPriorityHeader) == 8);

}  // namespace tombolo

#include "transport/call/caller.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/base/offset.h"
#include "transport/base/units.h"
#include "transport/call/call_frame_io.h"
#include "transport/call/call_window.h"
#include "transport/endpoint/membership_view.h"

namespace tombolo {
namespace {

// A channel lends no more to one receiver (Channel::TryLend).
constexpr uint64_t kMostLentDivisor = 8;

absl::Status CheckWindow(const LentWindow& window, uint64_t most_bytes) {
  const uint64_t length = window.length_bytes;
  if (window.offset_bytes % kCallPageBytes != 0 || length % kCallPageBytes != 0 || length == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("the window [", window.offset_bytes, ", ", window.offset_bytes, " + ", length,
                     ") is not of whole pages; make both multiples of ", kCallPageBytes, "."));
  }
  if (!FitsWithin(Offset{window.offset_bytes}, length, window.buffer.bytes.size())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the window [", window.offset_bytes, ", ", window.offset_bytes, " + ", length,
        ") is not within its buffer, which has ", window.buffer.bytes.size(), " bytes."));
  }
  if (length > most_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("the window has ", length, " bytes, and at most ", most_bytes,
                     " may be lent to one endpoint; make several calls of it."));
  }
  if (window.use == CallWindowUse::kNone || window.use > CallWindowUse::kReadWrite) {
    return absl::InvalidArgumentError(
        "the window is for nothing; say kRead, kWrite or kReadWrite.");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Caller::CheckRequest(const CallRequest& request) const {
  if (request.arguments.size() > kMaxCallBodyBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("a call has ", request.arguments.size(), " bytes of arguments, and at most ",
                     kMaxCallBodyBytes, " are carried; put the rest into a window."));
  }
  if (request.limit_ns <= 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("a call has ", request.limit_ns, " ns; give it more than 0."));
  }
  if (!request.window) return absl::OkStatus();
  return CheckWindow(*request.window,
                     channel_.SharedRegion().Limits().region_bytes / kMostLentDivisor);
}

OutgoingCalls* Caller::Find(EndpointId callee) {
  const auto found = callees_.find(callee);
  return found != callees_.end() ? found->second.get() : nullptr;
}

absl::StatusOr<CallId> Caller::Start(EndpointId callee, const CallRequest& request,
                                     int64_t now_ns) {
  if (absl::Status status = CheckRequest(request); !status.ok()) return status;
  if (absl::Status status = channel_.Open(callee); !status.ok()) return status;
  std::unique_ptr<OutgoingCalls>& calls = callees_[callee];
  if (calls == nullptr) calls = std::make_unique<OutgoingCalls>(channel_, callee);
  if (calls->IsClosed()) {
    return absl::FailedPreconditionError(
        absl::StrCat("endpoint ", callee.index,
                     " has broken the protocol of calls and is not called again; restart it."));
  }
  return calls->Begin(request, now_ns);
}

std::optional<CallResult> Caller::TryTake(const CallId& id) {
  OutgoingCalls* calls = Find(id.peer);
  if (calls == nullptr || !calls->Has(id)) {
    return CallResult{absl::NotFoundError("there is no such call, or its result was taken."), {}};
  }
  std::optional<CallResult> result = calls->TryTake(id);
  if (result && calls->IsEmpty() && !IsLive(channel_.SharedRegion(), id.peer)) {
    callees_.erase(id.peer);
  }
  return result;
}

CallResult Caller::Await(const CallId& id, ChannelHandler& handler) {
  while (true) {
    Flush();
    if (std::optional<CallResult> result = TryTake(id)) return *std::move(result);
    channel_.Wait(handler, MaxSleepNs());
  }
}

CallResult Caller::Call(EndpointId callee, const CallRequest& request) {
  const absl::StatusOr<CallId> id = Start(callee, request);
  return id.ok() ? Await(*id) : CallResult{id.status(), {}};
}

void Caller::Cancel(const CallId& id) {
  if (OutgoingCalls* calls = Find(id.peer)) calls->Cancel(id);
}

absl::Status Caller::Signal(const CallId& id, uint32_t signal) {
  if (signal == kCancelSignal || signal >= kCallSignals) {
    return absl::InvalidArgumentError(absl::StrCat("there is no signal ", signal, "; take 1 to ",
                                                   kCallSignals - 1, ", or Cancel()."));
  }
  OutgoingCalls* calls = Find(id.peer);
  if (calls == nullptr || calls->IsClosed() || !calls->IsRunning(id)) {
    return absl::NotFoundError("the call is not running at its callee.");
  }
  if (calls->TrySignal(id, signal)) return absl::OkStatus();
  return absl::UnavailableError("the link to the callee is full; poll and try again.");
}

void Caller::Flush(int64_t now_ns) {
  for (const auto& [id, calls] : callees_) calls->Flush(now_ns);
}

int64_t Caller::MaxSleepNs(int64_t now_ns) const {
  int64_t limit_ns = kNsPerSecond;
  for (const auto& [id, calls] : callees_) {
    limit_ns = std::min(limit_ns, calls->NextDeadlineNs() - now_ns);
  }
  return std::max<int64_t>(limit_ns, 0);
}

bool Caller::Dispatch(OutgoingCalls& calls, uint8_t tag, std::span<const std::byte> payload) {
  const std::optional<CallFrame> frame = CallFrame::Copy(channel_.SharedRegion(), payload);
  if (!frame) return false;
  std::span<const std::byte> body;
  if (tag == ToTag(CallTag::kReply)) {
    CallReplyHeader header;
    return frame->Split(header, body) && calls.OnReply(header, body);
  }
  CallPriorityHeader header;
  return frame->Split(header, body) && calls.OnPriority(header);
}

void Caller::OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) {
  if (tag != ToTag(CallTag::kReply) && tag != ToTag(CallTag::kPriority)) return;
  OutgoingCalls* calls = Find(source);
  // Whoever was never called may say what it likes.
  if (calls == nullptr || calls->IsClosed()) return;
  if (Dispatch(*calls, tag, payload)) return;
  ++banned_;
  calls->Close(absl::InternalError(absl::StrCat(
      "endpoint ", source.index, " sent what no callee sends, and is not called again.")));
}

void Caller::OnReturned(EndpointId borrower, uint64_t cookie) {
  if (OutgoingCalls* calls = Find(borrower)) calls->OnReturned(cookie);
}

void Caller::OnDeparted(EndpointId peer) {
  OutgoingCalls* calls = Find(peer);
  if (calls == nullptr) return;
  calls->Close(absl::UnavailableError(
      absl::StrCat("endpoint ", peer.index, " has departed; its calls may have been run or not.")));
  if (calls->IsEmpty()) callees_.erase(peer);
}

}  // namespace tombolo

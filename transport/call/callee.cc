#include "transport/call/callee.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/call/call_frame_io.h"

namespace tombolo {

IncomingCalls* Callee::Find(EndpointId caller) {
  const auto found = callers_.find(caller);
  return found != callers_.end() ? found->second.get() : nullptr;
}

IncomingCall* Callee::Running(const CallId& id) {
  IncomingCalls* calls = Find(id.peer);
  return calls != nullptr ? calls->Running(id) : nullptr;
}

absl::Status Callee::Reply(const CallId& id, const absl::Status& status,
                           std::span<const std::byte> result) {
  if (Running(id) == nullptr) {
    return absl::NotFoundError(absl::StrCat(
        "no call of endpoint ", id.peer.index,
        " runs under this id: it was replied to, or its caller is gone. Nothing is left to do."));
  }
  if (result.size() > kMaxCallBodyBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("the result has ", result.size(), " bytes, and at most ", kMaxCallBodyBytes,
                     " are carried; write the rest into the call's window."));
  }
  Find(id.peer)->Reply(id, status, result);
  return absl::OkStatus();
}

bool Callee::RunMostUrgent() {
  IncomingCalls* of = nullptr;
  const IncomingCall* best = nullptr;
  for (const auto& [caller, calls] : callers_) {
    const IncomingCall* call = calls->MostUrgent(priority_);
    if (call == nullptr || (best != nullptr && call->priority <= best->priority)) continue;
    of = calls.get();
    best = call;
  }
  if (best == nullptr) return false;
  handler_.OnCall(*of->Run(best->id));
  return true;
}

void Callee::Flush(int64_t now_ns) {
  for (const auto& [caller, calls] : callers_) calls->Flush(priority_, now_ns);
  // Nothing new comes in here, so the loops end: a handler may reply, but not poll.
  while (RunMostUrgent()) {
  }
  for (const auto& [caller, calls] : callers_) {
    while (const auto signal = calls->TakeSignal()) handler_.OnSignal(signal->id, signal->signal);
  }
  // Once more: the handler may have set another priority.
  for (const auto& [caller, calls] : callers_) calls->Flush(priority_, now_ns);
}

bool Callee::Dispatch(EndpointId source, uint8_t tag, std::span<const std::byte> payload) {
  std::unique_ptr<IncomingCalls>& calls = callers_[source];
  if (calls == nullptr) calls = std::make_unique<IncomingCalls>(channel_, source);
  if (calls->IsClosed()) return true;
  const std::optional<CallFrame> frame = CallFrame::Copy(channel_.SharedRegion(), payload);
  if (!frame) return false;
  std::span<const std::byte> body;
  if (tag == ToTag(CallTag::kRequest)) {
    CallRequestHeader header;
    return frame->Split(header, body) && calls->OnRequest(header, body, MonotonicNs());
  }
  CallSignalHeader header;
  return frame->Split(header, body) && calls->OnSignal(header);
}

void Callee::OnMessage(EndpointId source, uint8_t tag, std::span<const std::byte> payload) {
  if (tag == ToTag(CallTag::kWindow)) return Ban(source);  // A window is a loan.
  if (tag != ToTag(CallTag::kRequest) && tag != ToTag(CallTag::kSignal)) return;
  if (!Dispatch(source, tag, payload)) Ban(source);
}

void Callee::OnLoan(EndpointId source, uint8_t tag, Loan loan) {
  if (tag != ToTag(CallTag::kWindow)) return ChannelHandler::OnLoan(source, tag, std::move(loan));
  IncomingCalls* calls = Find(source);
  if (calls != nullptr && calls->IsClosed()) return;
  if (calls == nullptr || !calls->OnWindow(std::move(loan))) Ban(source);
}

void Callee::Abandon(IncomingCalls& calls) {
  for (const CallId& id : calls.Running()) handler_.OnAbandoned(id);
  calls.Close();
}

void Callee::Ban(EndpointId caller) {
  std::unique_ptr<IncomingCalls>& calls = callers_[caller];
  if (calls == nullptr) calls = std::make_unique<IncomingCalls>(channel_, caller);
  if (calls->IsClosed()) return;
  ++banned_;
  Abandon(*calls);
}

void Callee::OnDeparted(EndpointId peer) {
  IncomingCalls* calls = Find(peer);
  if (calls == nullptr) return;
  Abandon(*calls);
  callers_.erase(peer);
}

}  // namespace tombolo

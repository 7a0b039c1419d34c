#include "transport/call/outgoing_calls.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/base/units.h"
#include "transport/call/call_frame_io.h"
#include "transport/call/call_window.h"

namespace tombolo {
namespace {

// Cookies of loans that are windows, among those of whatever else the channel's user lends.
constexpr uint64_t kCookieMark = uint64_t{0xca11} << 48;
constexpr uint64_t kCookieMarkMask = uint64_t{0xffff} << 48;
constexpr uint32_t kCookieSlotShift = 32;

uint64_t Cookie(uint32_t slot, uint32_t sequence) {
  return kCookieMark | uint64_t{slot} << kCookieSlotShift | sequence;
}

absl::Status CodeToStatus(uint32_t code, std::span<const std::byte> reason) {
  return absl::Status(
      static_cast<absl::StatusCode>(code),
      absl::string_view(reinterpret_cast<const char*>(reason.data()), reason.size()));
}

}  // namespace

const OutgoingCalls::Call* OutgoingCalls::Find(uint32_t slot, uint32_t sequence) const {
  if (slot >= kCallSlots) return nullptr;
  const Call& call = calls_[slot];
  return call.in_use && call.sequence == sequence ? &call : nullptr;
}

absl::StatusOr<CallId> OutgoingCalls::Begin(const CallRequest& request, int64_t now_ns) {
  const auto call = std::ranges::find_if(calls_, [](const Call& one) { return !one.in_use; });
  if (call == calls_.end()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("all ", kCallSlots, " calls that one caller may have with endpoint ",
                     callee_.index, " are out; take their results, or wait for its answers."));
  }
  const uint32_t last = std::exchange(*call, Call{}).sequence;
  call->sequence = last == std::numeric_limits<uint32_t>::max() ? 1 : last + 1;
  call->in_use = true;
  call->order = ++begun_;
  call->method = request.method;
  call->priority = request.priority;
  call->deadline_ns = request.limit_ns > std::numeric_limits<int64_t>::max() - now_ns
                          ? std::numeric_limits<int64_t>::max()
                          : now_ns + request.limit_ns;
  call->window = request.window;
  call->bytes.assign(request.arguments.begin(), request.arguments.end());
  const CallId id{callee_, SlotOf(*call), call->sequence};
  Flush(now_ns);
  return id;
}

// Lends the window after its request was claimed: so the callee sees it right behind that.
bool OutgoingCalls::TryLend(Call& call, const Claim& claim) {
  const LentWindow& window = *call.window;
  const absl::StatusOr<LendResult> result =
      channel_.TryLend(callee_, window.buffer, window.offset_bytes, window.length_bytes,
                       ToTag(CallTag::kWindow), Cookie(SlotOf(call), call.sequence));
  call.window_is_out = result.ok() && *result == LendResult::kLent;
  if (call.window_is_out) return true;
  channel_.Abandon(claim);
  if (!result.ok()) {
    EndEarly(call, result.status());
  } else if (*result == LendResult::kTooMuchLent) {
    waits_for_returns_ = true;
  }
  return false;
}

bool OutgoingCalls::TrySend(Call& call, int64_t now_ns) {
  if (call.window && waits_for_returns_) return false;
  Claim claim;
  const size_t size = sizeof(CallRequestHeader) + call.bytes.size();
  if (!channel_.TryClaim(callee_, size, claim)) return false;
  if (call.window && !TryLend(call, claim)) return call.outcome.has_value();
  const CallRequestHeader header{
      .slot = SlotOf(call),
      .sequence = call.sequence,
      .method = call.method,
      .priority = call.priority,
      .window = static_cast<uint8_t>(call.window ? call.window->use : CallWindowUse::kNone),
      .reserved = 0,
      .budget_ns = static_cast<uint64_t>(call.deadline_ns - now_ns),
  };
  FillCallFrame(channel_.SharedRegion(), claim.payload, std::as_bytes(std::span(&header, 1)),
                call.bytes);
  channel_.Publish(claim, ToTag(CallTag::kRequest), size);
  call.is_sent = true;
  call.bytes.clear();
  return true;
}

OutgoingCalls::Call* OutgoingCalls::MostUrgentHeld() {
  Call* best = nullptr;
  for (Call& call : calls_) {
    const bool is_held = call.in_use && !call.is_sent && !call.outcome;
    if (!is_held || call.priority < callee_priority_) continue;
    const bool is_better = best == nullptr || call.priority > best->priority ||
                           (call.priority == best->priority && call.order < best->order);
    if (is_better) best = &call;
  }
  return best;
}

void OutgoingCalls::PayCancels() {
  for (Call& call : calls_) {
    if (!call.in_use || !call.owes_cancel) continue;
    const CallSignalHeader header{SlotOf(call), call.sequence, kCancelSignal, 0};
    call.owes_cancel = !TrySendCallFrame(channel_, callee_, CallTag::kSignal, header);
  }
}

void OutgoingCalls::Expire(int64_t now_ns) {
  for (Call& call : calls_) {
    if (!call.in_use || call.outcome || now_ns < call.deadline_ns) continue;
    const char* seen = !call.is_sent      ? "was not sent: endpoint "
                       : call.is_answered ? "was answered, but its window not returned: endpoint "
                                          : "was not answered: endpoint ";
    const char* why = call.priority < callee_priority_ ? " takes none of that priority now."
                                                       : " is slow; allow for more time.";
    EndEarly(call,
             absl::DeadlineExceededError(absl::StrCat("the call ", seen, callee_.index, why)));
  }
}

void OutgoingCalls::Flush(int64_t now_ns) {
  if (closed_) return;
  Expire(now_ns);
  PayCancels();
  for (Call* call = MostUrgentHeld(); call != nullptr; call = MostUrgentHeld()) {
    if (!TrySend(*call, now_ns)) return;
  }
}

int64_t OutgoingCalls::NextDeadlineNs() const {
  int64_t next_ns = std::numeric_limits<int64_t>::max();
  for (const Call& call : calls_) {
    if (call.in_use && !call.outcome) next_ns = std::min(next_ns, call.deadline_ns);
  }
  return next_ns;
}

bool OutgoingCalls::OnReply(const CallReplyHeader& header, std::span<const std::byte> body) {
  Call* call = Find(header.slot, header.sequence);
  if (call == nullptr || !call->is_sent || call->is_answered) return false;
  if (header.code > static_cast<uint32_t>(absl::StatusCode::kUnauthenticated)) return false;
  call->is_answered = true;
  call->owes_cancel = false;
  call->answer = CodeToStatus(header.code, body);
  if (call->answer.ok()) call->bytes.assign(body.begin(), body.end());
  EndIfComplete(*call);
  return true;
}

bool OutgoingCalls::OnPriority(const CallPriorityHeader& header) {
  if (header.priority > std::numeric_limits<uint8_t>::max()) return false;
  callee_priority_ = header.priority;
  return true;
}

void OutgoingCalls::OnReturned(uint64_t cookie) {
  waits_for_returns_ = false;
  if ((cookie & kCookieMarkMask) != kCookieMark) return;
  const auto slot = static_cast<uint32_t>((cookie & ~kCookieMarkMask) >> kCookieSlotShift);
  Call* call = Find(slot, static_cast<uint32_t>(cookie));
  if (call == nullptr) return;
  call->window_is_out = false;
  EndIfComplete(*call);
}

// The user is told of an answer when the window is its own again.
void OutgoingCalls::EndIfComplete(Call& call) {
  if (call.is_answered && !call.window_is_out && !call.outcome) call.outcome = call.answer;
  FreeIfOver(call);
}

void OutgoingCalls::EndEarly(Call& call, absl::Status why) {
  call.outcome = std::move(why);
  call.bytes.clear();
  call.owes_cancel = call.is_sent && !call.is_answered;
}

void OutgoingCalls::FreeIfOver(Call& call) {
  const bool is_with_callee = call.is_sent && (!call.is_answered || call.window_is_out);
  if (call.is_taken && (closed_ || !is_with_callee)) call.in_use = false;
}

void OutgoingCalls::Close(const absl::Status& why) {
  closed_ = true;
  for (Call& call : calls_) {
    if (!call.in_use) continue;
    if (!call.outcome) EndEarly(call, why);
    call.owes_cancel = false;
    FreeIfOver(call);
  }
}

bool OutgoingCalls::IsEmpty() const {
  return std::ranges::none_of(calls_, [](const Call& call) { return call.in_use; });
}

std::optional<CallResult> OutgoingCalls::TryTake(const CallId& id) {
  Call* call = Find(id.slot, id.sequence);
  if (call == nullptr || call->is_taken || !call->outcome) return std::nullopt;
  CallResult result{*std::move(call->outcome), std::move(call->bytes), !call->window_is_out};
  call->is_taken = true;
  FreeIfOver(*call);
  return result;
}

void OutgoingCalls::Cancel(const CallId& id) {
  Call* call = Find(id.slot, id.sequence);
  if (call == nullptr || call->outcome) return;
  EndEarly(*call, absl::CancelledError("the call was cancelled here."));
  PayCancels();
}

bool OutgoingCalls::TrySignal(const CallId& id, uint32_t signal) {
  const CallSignalHeader header{id.slot, id.sequence, signal, 0};
  return TrySendCallFrame(channel_, callee_, CallTag::kSignal, header);
}

}  // namespace tombolo

#include "transport/call/incoming_calls.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "transport/call/call_frame_io.h"

namespace tombolo {
namespace {

// The caller's clock is not ours, and what it says may be anything.
int64_t DeadlineNs(int64_t now_ns, uint64_t budget_ns) {
  constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  if (budget_ns > static_cast<uint64_t>(kNever - now_ns)) return kNever;
  return now_ns + static_cast<int64_t>(budget_ns);
}

}  // namespace

IncomingCalls::Slot* IncomingCalls::Find(uint32_t slot, uint32_t sequence, Stage stage) {
  if (slot >= kCallSlots || slots_[slot] == nullptr) return nullptr;
  Slot& found = *slots_[slot];
  return found.call.id.sequence == sequence && found.stage == stage ? &found : nullptr;
}

bool IncomingCalls::OnRequest(const CallRequestHeader& header, std::span<const std::byte> arguments,
                              int64_t now_ns) {
  const auto use = static_cast<CallWindowUse>(header.window);
  if (header.slot >= kCallSlots || slots_[header.slot] != nullptr || awaits_window_ ||
      header.sequence == 0 || use > CallWindowUse::kReadWrite) {
    return false;
  }
  auto slot = std::make_unique<Slot>();
  slot->order = ++arrived_;
  slot->use = use;
  slot->call.id = CallId{caller_, header.slot, header.sequence};
  slot->call.method = header.method;
  slot->call.priority = header.priority;
  slot->call.deadline_ns = DeadlineNs(now_ns, header.budget_ns);
  slot->call.arguments.assign(arguments.begin(), arguments.end());
  if (use != CallWindowUse::kNone) {
    slot->stage = Stage::kAwaitsWindow;
    awaits_window_ = header.slot;
  }
  slots_[header.slot] = std::move(slot);
  return true;
}

bool IncomingCalls::OnWindow(Loan loan) {
  if (!awaits_window_) return false;
  Slot& slot = *slots_[*std::exchange(awaits_window_, std::nullopt)];
  std::optional<CallWindow> window =
      CallWindow::Make(channel_.SharedRegion(), std::move(loan), slot.use);
  if (!window) return false;
  slot.call.window.emplace(*std::move(window));
  slot.stage = Stage::kWaiting;
  return true;
}

bool IncomingCalls::OnSignal(const CallSignalHeader& header) {
  if (header.slot >= kCallSlots || header.signal >= kCallSignals) return false;
  Slot* slot = slots_[header.slot].get();
  // It may have crossed with the reply.
  if (slot == nullptr || slot->call.id.sequence != header.sequence) return true;
  if (slot->stage == Stage::kWaiting && header.signal == kCancelSignal) {
    Reply(slot->call.id, absl::CancelledError("it was cancelled before it ran."), {});
  } else {
    slot->signals |= uint64_t{1} << header.signal;
  }
  return true;
}

const IncomingCall* IncomingCalls::MostUrgent(uint8_t priority) const {
  const Slot* best = nullptr;
  for (const std::unique_ptr<Slot>& slot : slots_) {
    if (slot == nullptr || slot->stage != Stage::kWaiting || slot->call.priority < priority)
      continue;
    const bool is_better =
        best == nullptr || slot->call.priority > best->call.priority ||
        (slot->call.priority == best->call.priority && slot->order < best->order);
    if (is_better) best = slot.get();
  }
  return best != nullptr ? &best->call : nullptr;
}

IncomingCall* IncomingCalls::Run(const CallId& id) {
  Slot* slot = Find(id.slot, id.sequence, Stage::kWaiting);
  if (slot == nullptr) return nullptr;
  slot->stage = Stage::kRunning;
  return &slot->call;
}

IncomingCall* IncomingCalls::Running(const CallId& id) {
  Slot* slot = Find(id.slot, id.sequence, Stage::kRunning);
  return slot != nullptr ? &slot->call : nullptr;
}

std::optional<IncomingCalls::Signal> IncomingCalls::TakeSignal() {
  for (const std::unique_ptr<Slot>& slot : slots_) {
    if (slot == nullptr || slot->stage != Stage::kRunning || slot->signals == 0) continue;
    const auto signal = static_cast<uint32_t>(std::countr_zero(slot->signals));
    slot->signals &= slot->signals - 1;
    return Signal{slot->call.id, signal};
  }
  return std::nullopt;
}

void IncomingCalls::Reply(const CallId& id, const absl::Status& status,
                          std::span<const std::byte> result) {
  Slot& slot = *slots_[id.slot];
  // Before the reply, so that the caller finds it back when it reads that.
  slot.call.window.reset();
  const auto reason = std::as_bytes(std::span(status.message().data(), status.message().size()));
  const std::span<const std::byte> body = status.ok() ? result : reason;
  slot.code = status.code();
  slot.reply.assign(body.begin(), body.begin() + static_cast<ptrdiff_t>(
                                                     std::min(body.size(), kMaxCallBodyBytes)));
  slot.stage = Stage::kReplyDue;
  TryReply(id.slot);
}

bool IncomingCalls::TryReply(uint32_t slot) {
  const Slot& due = *slots_[slot];
  // An error is of a region that is full now, or of a caller whose departure comes.
  if (!channel_.Open(caller_).ok()) return false;
  const CallReplyHeader header{slot, due.call.id.sequence, static_cast<uint32_t>(due.code), 0};
  if (!TrySendCallFrame(channel_, caller_, CallTag::kReply, header, due.reply)) return false;
  slots_[slot].reset();
  return true;
}

void IncomingCalls::GiveUpLate(int64_t now_ns) {
  for (const std::unique_ptr<Slot>& slot : slots_) {
    if (slot == nullptr || slot->stage != Stage::kWaiting) continue;
    if (now_ns < slot->call.deadline_ns) continue;
    Reply(slot->call.id, absl::DeadlineExceededError("its time was over before it ran."), {});
  }
}

void IncomingCalls::Flush(uint8_t priority, int64_t now_ns) {
  if (closed_) return;
  GiveUpLate(now_ns);
  for (uint32_t slot = 0; slot < kCallSlots; ++slot) {
    const bool is_due = slots_[slot] != nullptr && slots_[slot]->stage == Stage::kReplyDue;
    if (is_due && !TryReply(slot)) return;
  }
  if (told_priority_ == priority || !channel_.Open(caller_).ok()) return;
  const CallPriorityHeader header{priority, 0};
  if (TrySendCallFrame(channel_, caller_, CallTag::kPriority, header)) told_priority_ = priority;
}

std::vector<CallId> IncomingCalls::Running() const {
  std::vector<CallId> running;
  for (const std::unique_ptr<Slot>& slot : slots_) {
    if (slot != nullptr && slot->stage == Stage::kRunning) running.push_back(slot->call.id);
  }
  return running;
}

void IncomingCalls::Close() {
  closed_ = true;
  awaits_window_.reset();
  for (std::unique_ptr<Slot>& slot : slots_) slot.reset();
}

}  // namespace tombolo

#include "transport/stream/stream_core.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tombolo {
namespace {

std::span<const std::byte> BytesOf(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// The peer's word: anything but an error that we know is "unknown".
absl::StatusCode ToErrorCode(uint64_t value) {
  const bool known = value > static_cast<uint64_t>(absl::StatusCode::kOk) &&
                     value <= static_cast<uint64_t>(absl::StatusCode::kUnauthenticated);
  return known ? static_cast<absl::StatusCode>(value) : absl::StatusCode::kUnknown;
}

}  // namespace

StreamCore::StreamCore(StreamPeer& peer, StreamKey key, std::string_view service,
                       ReceiveBudget& budget)
    : peer(&peer),
      key_(key),
      state_(State::kOpening),
      receive_(budget),
      service_(service),
      open_due_(true) {}

StreamCore::StreamCore(StreamPeer& peer, StreamKey key, uint64_t send_limit, ReceiveBudget& budget)
    : peer(&peer), key_(key), state_(State::kOpen), receive_(budget), accept_due_(true) {
  send_.RaiseLimit(send_limit);
}

StreamCore::Effect StreamCore::Apply(const StreamFrame& frame) {
  if (state_ == State::kEnded) return Effect::kNothing;
  switch (frame.type) {
    case StreamFrameType::kOpen:
      return Violation("opened twice");
    case StreamFrameType::kAccept:
      return ApplyAccept(frame);
    case StreamFrameType::kData:
      return ApplyData(frame);
    case StreamFrameType::kFin:
      return ApplyFin(frame);
    case StreamFrameType::kCredit:
      return ApplyCredit(frame);
    case StreamFrameType::kReset:
      return ApplyReset(frame);
  }
  return Violation("a frame of an unknown type");
}

StreamCore::Effect StreamCore::ApplyAccept(const StreamFrame& frame) {
  if (state_ != State::kOpening || open_due_) return Violation("accepted though nobody asked");
  state_ = State::kOpen;
  send_.RaiseLimit(frame.value);
  return Effect::kWritable;
}

StreamCore::Effect StreamCore::ApplyData(const StreamFrame& frame) {
  if (state_ != State::kOpen) return Violation("data before it was accepted");
  const char* wrong = receive_.Offer(frame.value, frame.body);
  return wrong == nullptr ? Effect::kReadable : Violation(wrong);
}

StreamCore::Effect StreamCore::ApplyFin(const StreamFrame& frame) {
  if (state_ != State::kOpen) return Violation("an end before it was accepted");
  const char* wrong = receive_.Finish(frame.value);
  if (wrong != nullptr) return Violation(wrong);
  credit_due_ = false;
  return Effect::kReadable;
}

StreamCore::Effect StreamCore::ApplyCredit(const StreamFrame& frame) {
  if (state_ != State::kOpen) return Violation("credit before it was accepted");
  return send_.RaiseLimit(frame.value) ? Effect::kWritable : Violation("credit taken back");
}

StreamCore::Effect StreamCore::ApplyReset(const StreamFrame& frame) {
  End(absl::Status(ToErrorCode(frame.value), CopyText(frame.body)));
  return Effect::kEnded;
}

StreamCore::Effect StreamCore::Violation(const char* what) {
  Reset(absl::InternalError(absl::StrCat("the other side broke the stream protocol: ", what)));
  return Effect::kViolation;
}

bool StreamCore::WindowIsOpen() const {
  return state_ == State::kOpen && !send_.Closed() && send_.WindowBytes() != 0;
}

size_t StreamCore::WritableBytes() const {
  if (!WindowIsOpen() || !send_.Waiting().IsEmpty()) return 0;
  return static_cast<size_t>(std::min<uint64_t>(send_.WindowBytes(), kMaxWriteBytes));
}

void StreamCore::CloseWrite() {
  if (state_ != State::kEnded) send_.Close();
}

void StreamCore::GrantMore() {
  if (state_ != State::kEnded && receive_.Grant()) credit_due_ = true;
}

void StreamCore::End(const absl::Status& why) {
  state_ = State::kEnded;
  end_reason_ = why;
  open_due_ = accept_due_ = credit_due_ = reset_due_ = false;
  send_.Waiting().Clear();
  // What came before may still be read.
  receive_.Cut();
}

void StreamCore::Reset(const absl::Status& why) {
  if (state_ == State::kEnded || IsOver()) return;
  const bool peer_knows = !open_due_;
  End(why);
  receive_.Discard();
  reset_due_ = peer_knows;
}

void StreamCore::PeerGone(const absl::Status& why) {
  peer = nullptr;
  reset_due_ = false;
  if (state_ != State::kEnded) End(why);
}

bool StreamCore::IsOver() const {
  if (state_ == State::kEnded) return !reset_due_;
  return send_.Finished() && receive_.Finished();
}

bool StreamCore::HasDue() const {
  if (open_due_ || accept_due_ || reset_due_) return true;
  return state_ == State::kOpen && (credit_due_ || !send_.Waiting().IsEmpty() || send_.EndIsDue());
}

StreamFrameHeader StreamCore::Header(StreamFrameType type, uint64_t value) const {
  return {.type = static_cast<uint8_t>(type),
          .from_opener = key_.opened_here ? uint8_t{1} : uint8_t{0},
          .reserved = 0,
          .stream_id = key_.id,
          .value = value};
}

bool StreamCore::SendText(FrameSender& sender, StreamFrameType type, uint64_t value,
                          std::string_view text) {
  return sender.Send(Header(type, value), BytesOf(text));
}

bool StreamCore::SendNext(FrameSender& sender) {
  if (reset_due_) {
    const auto code = static_cast<uint64_t>(end_reason_.code());
    const std::string text(end_reason_.message().substr(0, kMaxReasonBytes));
    if (!SendText(sender, StreamFrameType::kReset, code, text)) return false;
    reset_due_ = false;
  } else if (open_due_) {
    if (!SendText(sender, StreamFrameType::kOpen, receive_.Granted(), service_)) return false;
    open_due_ = false;
  } else if (accept_due_) {
    if (!sender.Send(Header(StreamFrameType::kAccept, receive_.Granted()), {})) return false;
    accept_due_ = credit_due_ = false;
  } else if (state_ == State::kOpen) {
    return SendNextOfOpen(sender);
  }
  return true;
}

bool StreamCore::SendNextOfOpen(FrameSender& sender) {
  if (credit_due_) {
    if (!sender.Send(Header(StreamFrameType::kCredit, receive_.Granted()), {})) return false;
    credit_due_ = false;
  } else if (!send_.Waiting().IsEmpty()) {
    return SendWaiting(sender);
  } else if (send_.EndIsDue()) {
    if (!sender.Send(Header(StreamFrameType::kFin, send_.Position()), {})) return false;
    send_.EndSent();
  }
  return true;
}

bool StreamCore::SendWaiting(FrameSender& sender) {
  const size_t sent =
      sender.SendData(Header(StreamFrameType::kData, send_.Position()), send_.Waiting().Front());
  if (sent == 0) return false;
  send_.Sent(sent);
  send_.Waiting().Consume(sent);
  return true;
}

size_t StreamCore::Write(FrameSender& sender, std::span<const std::byte> data) {
  const size_t taken = std::min(data.size(), WritableBytes());
  data = data.first(taken);
  // What is due goes first, so that the order is that of the calls.
  while (!data.empty() && !HasDue()) {
    const size_t sent = sender.SendData(Header(StreamFrameType::kData, send_.Position()), data);
    if (sent == 0) break;
    send_.Sent(sent);
    data = data.subspan(sent);
  }
  send_.Waiting().Append(data);
  return taken;
}

}  // namespace tombolo

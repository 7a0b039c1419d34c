#include "control/http/http_connection.h"

#include <errno.h>
#include <sys/socket.h>
#include <time.h>

#include <string_view>
#include <utility>

#include "absl/status/statusor.h"

namespace tombolo::control {
namespace {

constexpr size_t kReadBytes = 4096;

bool IsPassing(int error) { return error == EAGAIN || error == EINTR; }

const char* WhatToDo(int status) {
  switch (status) {
    case kHttpMethodNotAllowed:
      return "there is nothing here to change; use GET or HEAD.";
    case kHttpContentTooLarge:
      return "requests have no body here.";
    case kHttpHeadTooLarge:
      return "the request line and its fields may have 8192 bytes.";
    case kHttpVersionNotSupported:
      return "use HTTP/1.1.";
  }
  return "this was no request of HTTP/1.1.";
}

}  // namespace

HttpConnection::HttpConnection(EventLoop& loop, UniqueFd socket, const Owner& owner)
    : loop_(loop), socket_(std::move(socket)), owner_(owner) {}

void HttpConnection::Start() { Enter(State::kWaiting, kDeadlineNs); }

void HttpConnection::Enter(State state, int64_t deadline_ns) {
  state_ = state;
  const unsigned events = state == State::kAnswering ? EventLoop::kWritable : EventLoop::kReadable;
  absl::StatusOr<Watch> watch = loop_.WatchFd(socket_.Get(), events, EventLoop::Trigger::kLevel,
                                              [this](unsigned) { OnReady(); });
  if (!watch.ok()) return Done();
  watch_ = *std::move(watch);
  deadline_ = loop_.After(deadline_ns, [this] { Done(); });
}

void HttpConnection::OnReady() {
  switch (state_) {
    case State::kWaiting:
      return ReceiveRequest();
    case State::kAnswering:
      return Send();
    case State::kDraining:
      return Drain();
  }
}

void HttpConnection::ReceiveRequest() {
  char bytes[kReadBytes];
  const ssize_t count = recv(socket_.Get(), bytes, sizeof(bytes), 0);
  if (count < 0 && IsPassing(errno)) return;
  if (count <= 0) return Done();
  received_.append(bytes, static_cast<size_t>(count));
  Serve();
}

void HttpConnection::Serve() {
  const size_t head_bytes = HeadBytes(received_);
  if (head_bytes > kMaxHeadBytes || (head_bytes == 0 && received_.size() >= kMaxHeadBytes)) {
    return Answer(HttpError(kHttpHeadTooLarge, WhatToDo(kHttpHeadTooLarge)), false, false);
  }
  if (head_bytes == 0) return;
  HttpRequest request;
  const int status = ParseRequest(std::string_view(received_).substr(0, head_bytes), request);
  if (status != kHttpOk) return Answer(HttpError(status, WhatToDo(status)), false, false);
  owner_.on_used(this);
  const bool keep_alive = request.keep_alive && received_.size() == head_bytes;
  Answer(owner_.answer(request), request.is_head, keep_alive);
}

void HttpConnection::Answer(const HttpResponse& response, bool is_head, bool keep_alive) {
  to_send_ = FormatResponse(response,
                            {.is_head = is_head, .keep_alive = keep_alive, .now = time(nullptr)});
  sent_bytes_ = 0;
  keep_alive_ = keep_alive;
  received_.clear();
  Enter(State::kAnswering, kDeadlineNs);
}

void HttpConnection::Send() {
  const ssize_t count = send(socket_.Get(), to_send_.data() + sent_bytes_,
                             to_send_.size() - sent_bytes_, MSG_NOSIGNAL);
  if (count < 0 && IsPassing(errno)) return;
  if (count < 0) return Done();
  sent_bytes_ += static_cast<size_t>(count);
  if (sent_bytes_ < to_send_.size()) return;
  to_send_ = std::string();  // Gives its memory back.
  if (keep_alive_) return Enter(State::kWaiting, kDeadlineNs);
  shutdown(socket_.Get(), SHUT_WR);
  Enter(State::kDraining, kDrainNs);
}

void HttpConnection::Drain() {
  char bytes[kReadBytes];
  const ssize_t count = recv(socket_.Get(), bytes, sizeof(bytes), 0);
  if (count > 0 || (count < 0 && IsPassing(errno))) return;
  Done();
}

}  // namespace tombolo::control

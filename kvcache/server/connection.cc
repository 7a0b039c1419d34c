#include "kvcache/server/connection.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include <utility>

#include "kvcache/protocol/give_back.h"
#include "kvcache/server/worker.h"

namespace tombolo::kvcache {
namespace {

// Sent in one turn, so that a fast reader of long answers leaves room for others.
constexpr size_t kMaxSendBytes = 1024 * 1024;

bool IsForLater(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

Connection::Connection(Worker& worker, UniqueFd socket, kvcache::Dialect dialect,
                       std::unique_ptr<Conversation> conversation)
    : worker_(worker),
      socket_(std::move(socket)),
      dialect_(dialect),
      conversation_(std::move(conversation)),
      readable_(worker.Base(), socket_.Get(), EV_READ | EV_PERSIST, &OnReadable, this),
      writable_(worker.Base(), socket_.Get(), EV_WRITE | EV_PERSIST, &OnWritable, this) {}

bool Connection::Start(List::iterator self) {
  self_ = self;
  is_reading_ = readable_ && writable_ && readable_.Add();
  return is_reading_;
}

void Connection::OnReadable(evutil_socket_t /*fd*/, int16_t /*what*/, void* self) {
  static_cast<Connection*>(self)->Turn(true);
}

void Connection::OnWritable(evutil_socket_t /*fd*/, int16_t /*what*/, void* self) {
  static_cast<Connection*>(self)->Turn(false);
}

void Connection::Resume() {
  is_waiting_for_turn_ = false;
  Turn(false);
}

void Connection::Turn(bool is_readable) {
  const bool is_served = Serve(is_readable);
  if (!is_told_ && !conversation_->WhyClosed().empty()) {
    is_told_ = true;
    worker_.TellWhyClosed(conversation_->WhyClosed());
  }
  if (!is_served || IsDone()) return worker_.End(*this);
  Await();
}

// False: the connection has failed.
bool Connection::Serve(bool is_readable) {
  if (!Send()) return false;
  std::span<const std::byte> input = std::as_bytes(std::span(kept_)).subspan(kept_from_);
  const bool is_kept = !input.empty();
  if (!is_kept && is_readable && !Receive(input)) return false;
  if (input.empty() && !conversation_->HasMore()) return true;
  if (dialect_ == Dialect::kOwner && HasHungUp()) return false;
  Feed(input, is_kept);
  return Send();
}

// Reads once, into the worker's buffer. False: the connection has failed.
bool Connection::Receive(std::span<const std::byte>& input) {
  const std::span<std::byte> buffer = worker_.Buffer();
  const ssize_t got = recv(socket_.Get(), buffer.data(), buffer.size(), 0);
  if (got < 0) return IsForLater(errno);
  is_at_end_ = got == 0;
  input = buffer.first(static_cast<size_t>(got));
  if (got > 0) worker_.Moved(*this);
  return true;
}

// Whether the client has closed its socket, and not only said that it sends nothing more.
// SUBTLE: a reader that was not answered in time closes and asks anew, perhaps another worker. What
// it had sent here and nobody has looked at is older than what it asks there, and has to be
// dropped: run now, it would undo what was acknowledged since.
bool Connection::HasHungUp() const {
  pollfd socket{.fd = socket_.Get(), .events = 0, .revents = 0};
  return poll(&socket, 1, 0) > 0 && (socket.revents & (POLLHUP | POLLERR)) != 0;
}

// `is_kept`: `input` lies in kept_.
void Connection::Feed(std::span<const std::byte> input, bool is_kept) {
  const size_t taken = conversation_->Feed(input, worker_.RequestsPerTurn());
  if (is_kept) {
    kept_from_ += taken;
  } else if (taken < input.size()) {
    const std::span<const std::byte> left = input.subspan(taken);
    kept_.assign(reinterpret_cast<const char*>(left.data()), left.size());
    kept_from_ = 0;
  }
  if (kept_from_ < kept_.size()) return;
  GiveBack(kept_);
  kept_from_ = 0;
}

// Sends until the socket takes no more. False: the client is gone.
bool Connection::Send() {
  size_t sent_bytes = 0;
  while (!conversation_->Unsent().empty() && sent_bytes < kMaxSendBytes) {
    const std::string_view unsent = conversation_->Unsent();
    const ssize_t sent = send(socket_.Get(), unsent.data(), unsent.size(), MSG_NOSIGNAL);
    if (sent < 0) return IsForLater(errno);
    conversation_->Drained(static_cast<size_t>(sent));
    sent_bytes += static_cast<size_t>(sent);
    worker_.Moved(*this);
  }
  return true;
}

// Whether nothing is left to be done for this client.
bool Connection::IsDone() const {
  if (!conversation_->Unsent().empty()) return false;
  return conversation_->IsClosed() || (is_at_end_ && !HasWork());
}

// Waits for what can happen next: each of these is a system call, and in the usual turn, which
// ends with everything sent, there is none.
void Connection::Await() {
  const bool wants_write = !conversation_->Unsent().empty();
  const bool is_full = conversation_->Unsent().size() > kReplyLimitBytes;
  const bool wants_read = !HasWork() && !is_at_end_ && !is_full && !conversation_->IsClosed();
  if (wants_write != std::exchange(is_writing_, wants_write)) {
    if (!wants_write) writable_.Delete();
    if (wants_write && !writable_.Add()) return worker_.End(*this);
  }
  if (wants_read != std::exchange(is_reading_, wants_read)) {
    if (!wants_read) readable_.Delete();
    if (wants_read && !readable_.Add()) return worker_.End(*this);
  }
  if (!HasWork() || is_full || is_waiting_for_turn_) return;
  is_waiting_for_turn_ = true;
  worker_.GiveTurn(*this);
}

}  // namespace tombolo::kvcache

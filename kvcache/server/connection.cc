#include "kvcache/server/connection.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <utility>

#include "kvcache/protocol/give_back.h"
#include "kvcache/server/worker.h"

namespace tombolo::kvcache {
namespace {

// Sent in one turn, so that a fast reader of long answers leaves room for others.
constexpr size_t kMaxSendBytes = 1024 * 1024;

// More is sent at once: together with those of others it would take much memory, and nothing would
// be gained.
constexpr size_t kFewBytes = 8 * 1024;

bool IsForLater(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

Connection::Connection(Worker& worker, ConnectionList& list, UniqueFd socket,
                       kvcache::Dialect dialect, std::unique_ptr<Conversation> conversation)
    : worker_(worker),
      socket_(std::move(socket)),
      entry_(list, socket_.Get()),
      dialect_(dialect),
      conversation_(std::move(conversation)) {}

bool Connection::Start(List::iterator self) {
  self_ = self;
  return worker_.Sockets().Add(socket_.Get(), EPOLLIN, this);
}

void Connection::OnEvents(uint32_t events) {
  if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) is_blocked_ = false;
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)) != 0) is_readable_ = true;
  if ((events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP)) != 0) is_ending_ = true;
  Turn();
}

void Connection::Resume() {
  is_waiting_for_turn_ = false;
  Turn();
}

void Connection::SendReplies() {
  has_replies_to_send_ = false;
  if (!Send()) return worker_.End(*this, "error");
  Settle();
}

void Connection::TellNews() {
  if (conversation_->TakeNews() && !is_blocked_ && !has_replies_to_send_) SendReplies();
}

void Connection::Turn() {
  const bool is_served = Serve();
  if (!is_told_ && !conversation_->WhyClosed().empty()) {
    is_told_ = true;
    worker_.TellWhyClosed(conversation_->WhyClosed());
  }
  if (!is_served) return worker_.End(*this, "error");
  if (has_replies_to_send_) return;
  const size_t unsent_bytes = conversation_->Unsent().size();
  if (is_blocked_ || unsent_bytes == 0) return Settle();
  if (unsent_bytes > kFewBytes) return SendReplies();
  has_replies_to_send_ = true;
  worker_.SendRepliesLater(*this);
}

// False: the connection has failed.
bool Connection::Serve() {
  if (!Send()) return false;
  std::span<const std::byte> input = std::as_bytes(std::span(kept_)).subspan(kept_from_);
  const bool is_kept = !input.empty();
  if (MayReceive() && !Receive(input)) return false;
  if (input.empty() && !conversation_->HasMore()) return true;
  if (dialect_ == Dialect::kOwner && HasHungUp()) return false;
  Feed(input, is_kept);
  return true;
}

bool Connection::MayReceive() const {
  return is_readable_ && !is_at_end_ && !HasWork() && !IsFull() && !conversation_->IsClosed();
}

// Reads once, into the worker's buffer. False: the connection has failed.
bool Connection::Receive(std::span<const std::byte>& input) {
  const std::span<std::byte> buffer = worker_.Buffer();
  const ssize_t got = recv(socket_.Get(), buffer.data(), buffer.size(), 0);
  // SUBTLE: less than there was room for was all there is, and no second call has to say so. But of
  // the end that came with these bytes no event tells again.
  is_readable_ = got >= 0 && (is_ending_ || static_cast<size_t>(got) == buffer.size());
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
  entry_.CommandsRun(worker_.CommandTimeS());
  worker_.TheServer().served_fd = socket_.Get();
  const size_t taken = conversation_->Feed(input, worker_.RequestsPerTurn());
  if (!is_watching_ && conversation_->IsWatching()) BeginWatching();
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

void Connection::BeginWatching() {
  is_watching_ = true;
  entry_.SetState(ConnectionList::State::kWatching);
  worker_.Watches(*this);
}

// Sends until the socket takes no more, or so much that others shall have their turn. False: the
// client is gone.
bool Connection::Send() {
  size_t sent_bytes = 0;
  while (!is_blocked_ && sent_bytes < kMaxSendBytes) {
    const std::string_view unsent = conversation_->Unsent();
    if (unsent.empty()) break;
    const ssize_t sent = send(socket_.Get(), unsent.data(), unsent.size(), MSG_NOSIGNAL);
    is_blocked_ = sent < 0;
    if (is_blocked_) return IsForLater(errno);
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

// Whether there is something to do that no event will tell of.
bool Connection::CanGoOn() const {
  if (!is_blocked_ && !conversation_->Unsent().empty()) return true;
  return !IsFull() && (HasWork() || MayReceive());
}

// False: there is no memory to wait with.
bool Connection::AwaitRoom() {
  if (is_blocked_ == std::exchange(is_awaiting_room_, is_blocked_)) return true;
  using State = ConnectionList::State;
  if (!is_watching_) entry_.SetState(is_blocked_ ? State::kSending : State::kReading);
  return worker_.Sockets().Change(socket_.Get(), is_blocked_ ? EPOLLIN | EPOLLOUT : EPOLLIN, this);
}

// After a turn: what is to happen next. The usual one ends with everything read and sent, and takes
// no system call here.
void Connection::Settle() {
  if (IsDone()) return worker_.End(*this, "normal");
  if (!AwaitRoom()) return worker_.End(*this, "error");
  if (is_watching_ && !is_blocked_) worker_.TellWatchersLater();
  if (is_waiting_for_turn_ || !CanGoOn()) return;
  is_waiting_for_turn_ = true;
  worker_.GiveTurn(*this);
}

}  // namespace tombolo::kvcache

#include "control/tunnel/pump.h"

#include <errno.h>
#include <sys/socket.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "control/tunnel/socket_address.h"
#include "transport/base/errno_status.h"

namespace tombolo::control {
namespace {

// Many programs hang up while there is something on its way to them: Aborted, and no fault.
absl::Status SocketError(int error, std::string_view what) {
  const absl::Status status = ErrnoStatus(error, what);
  const bool hung_up = error == EPIPE || error == ECONNRESET;
  return hung_up ? absl::AbortedError(status.message()) : status;
}

}  // namespace

Pump::Pump(EventLoop& loop, std::span<std::byte> scratch, UniqueFd socket,
           std::unique_ptr<Stream> stream)
    : loop_(loop), scratch_(scratch), socket_(std::move(socket)), stream_(std::move(stream)) {}

void Pump::Start(Done done) {
  done_ = std::move(done);
  SendAtOnce(socket_.Get());
  stream_->SetHandler(this);
  // Once the stream takes something, OnWritable() begins to read.
  stream_->NotifyWritable();
  ToSocket();
}

void Pump::ReadWhenReady() {
  absl::StatusOr<Watch> watch = loop_.WatchReadable(socket_.Get(), [this] { FromSocket(); });
  if (!watch.ok()) return Abort(watch.status());
  read_watch_ = *std::move(watch);
}

void Pump::FromSocket() {
  const size_t room = std::min(stream_->WritableBytes(), scratch_.size());
  if (room == 0) {
    read_watch_.Reset();
    return stream_->NotifyWritable();
  }
  const ssize_t bytes = recv(socket_.Get(), scratch_.data(), room, 0);
  if (bytes < 0) {
    if (errno == EAGAIN || errno == EINTR) return;
    return Abort(SocketError(errno, "read from the connection"));
  }
  if (bytes == 0) {
    read_watch_.Reset();
    socket_ended_ = true;
    stream_->CloseWrite();
    return FinishIfBothEnded();
  }
  stream_->Write(scratch_.first(static_cast<size_t>(bytes)));
}

// False: the socket takes nothing now, or the pump has ended.
bool Pump::SendFront() {
  const std::span<const std::byte> front = stream_->Front();
  const ssize_t bytes = send(socket_.Get(), front.data(), front.size(), MSG_NOSIGNAL);
  if (bytes >= 0) {
    stream_->Consume(static_cast<size_t>(bytes));
    return true;
  }
  if (errno == EINTR) return true;
  if (errno != EAGAIN) {
    Abort(SocketError(errno, "write to the connection"));
    return false;
  }
  if (write_watch_.IsActive()) return false;
  absl::StatusOr<Watch> watch =
      loop_.WatchFd(socket_.Get(), EventLoop::kWritable, EventLoop::Trigger::kLevel,
                    [this](unsigned) { ToSocket(); });
  if (!watch.ok()) {
    Abort(watch.status());
  } else {
    write_watch_ = *std::move(watch);
  }
  return false;
}

void Pump::ToSocket() {
  while (!stream_->Front().empty()) {
    if (!SendFront()) return;
  }
  write_watch_.Reset();
  if (stream_->AtEnd() && !stream_ended_) {
    stream_ended_ = true;
    shutdown(socket_.Get(), SHUT_WR);
  }
  FinishIfBothEnded();
}

void Pump::FinishIfBothEnded() {
  if (!socket_ended_ || !stream_ended_) return;
  End(absl::OkStatus());
}

void Pump::End(const absl::Status& why) {
  // Moved first: it may drop this pump.
  const Done done = std::move(done_);
  done(why);
}

void Pump::OnReset(const absl::Status& why) {
  // Whoever departed had ended its direction in order: what is left of that still goes out.
  if (stream_->EndHasCome() && !stream_ended_) {
    read_watch_.Reset();
    socket_ended_ = true;
    return ToSocket();
  }
  Abort(why);
}

void Pump::Abort(const absl::Status& why) {
  read_watch_.Reset();
  write_watch_.Reset();
  stream_->Reset(why);
  ResetOnClose(socket_.Get());
  socket_.Reset();
  End(why);
}

}  // namespace tombolo::control

#include "control/vfio_user/connection.h"

#include <errno.h>
#include <poll.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control::vfio_user {
namespace {

// A guest that accesses its device without a pause must not keep the others from theirs.
constexpr int kMostStepsInATurn = 64;

// Marks the end of the stream, which is no error.
absl::Status Ended() { return absl::OutOfRangeError("the other side has closed the socket."); }

}  // namespace

absl::StatusOr<std::unique_ptr<Connection>> Connection::Create(EventLoop& loop, UniqueFd socket,
                                                               PciDevice& device,
                                                               EndCallback on_end) {
  std::unique_ptr<Connection> connection(
      new Connection(loop, std::move(socket), device, std::move(on_end)));
  if (absl::Status status = connection->Watch(); !status.ok()) return status;
  return connection;
}

Connection::Connection(EventLoop& loop, UniqueFd socket, PciDevice& device, EndCallback on_end)
    : loop_(loop), socket_(std::move(socket)), on_end_(std::move(on_end)), session_(device) {}

bool Connection::HasHungUp() const {
  pollfd polled{.fd = socket_.Get(), .events = POLLRDHUP, .revents = 0};
  return poll(&polled, 1, 0) > 0 && (polled.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

absl::Status Connection::Watch() {
  const unsigned wanted = answer_.bytes.empty() ? EventLoop::kReadable : EventLoop::kWritable;
  if (waits_for_ == wanted) return absl::OkStatus();
  watch_.Reset();
  auto watch = loop_.WatchFd(socket_.Get(), wanted, EventLoop::Trigger::kLevel,
                             [this](unsigned) { OnReady(); });
  if (!watch.ok()) return watch.status();
  watch_ = *std::move(watch);
  waits_for_ = wanted;
  return absl::OkStatus();
}

void Connection::OnReady() {
  absl::Status status = Advance();
  if (status.ok()) status = Watch();
  if (status.ok()) return;
  watch_.Reset();
  // A copy, because whoever is told may end us.
  const EndCallback on_end = on_end_;
  on_end(absl::IsOutOfRange(status) ? absl::OkStatus() : status);
}

absl::Status Connection::Advance() {
  for (int step = 0; step < kMostStepsInATurn; ++step) {
    const absl::StatusOr<Progress> progress = answer_.bytes.empty() ? Receive() : SendAnswer();
    if (!progress.ok()) return progress.status();
    if (*progress != Progress::kGoesOn) break;
  }
  return absl::OkStatus();
}

size_t Connection::BytesWanted() const {
  return (message_bytes_ == 0 ? sizeof(Header) : message_bytes_) - message_.size();
}

absl::StatusOr<Connection::Progress> Connection::Receive() {
  const size_t had = message_.size();
  message_.resize(had + BytesWanted());
  auto received = ReceiveMessage(socket_.Get(), std::span(message_).subspan(had));
  message_.resize(had + (received.ok() ? received->size_bytes : 0));
  if (absl::IsUnavailable(received.status())) return Progress::kWaitsForMessage;
  if (!received.ok()) return received.status();
  if (received->size_bytes == 0) return Ended();
  std::ranges::move(received->fds, std::back_inserter(fds_));
  if (fds_.size() > kMostFds) {
    return absl::InvalidArgumentError(
        absl::StrCat("a message with more than ", kMostFds, " descriptors."));
  }
  if (message_bytes_ == 0 && message_.size() == sizeof(Header)) {
    Header header;
    memcpy(&header, message_.data(), sizeof(header));
    const absl::StatusOr<uint32_t> size_bytes = MessageBytes(header);
    if (!size_bytes.ok()) return size_bytes.status();
    message_bytes_ = *size_bytes;
  }
  return message_.size() == message_bytes_ ? HandleMessage() : Progress::kGoesOn;
}

absl::StatusOr<Connection::Progress> Connection::HandleMessage() {
  absl::StatusOr<Answer> answer = session_.Handle(message_, std::exchange(fds_, {}));
  message_.clear();
  message_bytes_ = 0;
  if (!answer.ok()) return answer.status();
  answer_ = *std::move(answer);
  return Progress::kGoesOn;
}

absl::StatusOr<Connection::Progress> Connection::SendAnswer() {
  const std::span<const int> fds(&answer_.fd, answer_.fd < 0 ? 0 : 1);
  const int error = SendMessage(socket_.Get(), answer_.bytes, fds);
  if (error == EAGAIN) return Progress::kWaitsForRoom;
  if (error == EPIPE || error == ECONNRESET) return Ended();
  if (error != 0) return ErrnoStatus(error, "send to a Unix socket");
  answer_ = {};
  return Progress::kGoesOn;
}

}  // namespace tombolo::control::vfio_user

#include "control/tunnel/connector.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

constexpr int64_t kDeadlineNs = 10 * kNsPerSecond;
// How long to wait when a Unix socket's queue is full, which nothing can be waited for.
constexpr int64_t kRetryNs = 5 * kNsPerMs;

}  // namespace

Connector::Connector(EventLoop& loop, const SocketAddress& target, Done done)
    : loop_(loop), target_(target), done_(std::move(done)) {}

absl::Status Connector::Start() {
  deadline_timer_ = loop_.After(kDeadlineNs, [this] {
    Fail(absl::DeadlineExceededError(absl::StrCat(target_.ToString(), " does not answer")));
  });
  return Begin();
}

absl::Status Connector::Begin() {
  absl::StatusOr<UniqueFd> socket = target_.StartConnect();
  if (!socket.ok()) return socket.status();
  if (!socket->IsOpen()) {
    retry_timer_ = loop_.After(kRetryNs, [this] { TryAgain(); });
    return absl::OkStatus();
  }
  socket_ = *std::move(socket);
  absl::StatusOr<Watch> watch =
      loop_.WatchFd(socket_.Get(), EventLoop::kWritable, EventLoop::Trigger::kLevel,
                    [this](unsigned) { OnWritable(); });
  if (!watch.ok()) return watch.status();
  writable_watch_ = *std::move(watch);
  return absl::OkStatus();
}

void Connector::TryAgain() {
  if (absl::Status status = Begin(); !status.ok()) Fail(status);
}

void Connector::OnWritable() {
  if (absl::Status status = target_.ConnectError(socket_.Get()); !status.ok()) return Fail(status);
  writable_watch_.Reset();
  deadline_timer_.Reset();
  // Moved first: the callback may drop this.
  const Done done = std::move(done_);
  done(std::move(socket_));
}

void Connector::Fail(const absl::Status& why) {
  writable_watch_.Reset();
  retry_timer_.Reset();
  deadline_timer_.Reset();
  socket_.Reset();
  const Done done = std::move(done_);
  done(why);
}

}  // namespace tombolo::control

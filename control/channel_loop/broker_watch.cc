#include "control/channel_loop/broker_watch.h"

#include <errno.h>
#include <sys/socket.h>

#include <utility>

namespace tombolo::control {

absl::StatusOr<std::unique_ptr<BrokerWatch>> BrokerWatch::Create(EventLoop& loop,
                                                                 const Endpoint& endpoint,
                                                                 ChannelLoop& channel_loop) {
  std::unique_ptr<BrokerWatch> made(new BrokerWatch(endpoint, channel_loop));
  if (endpoint.BrokerFd() < 0) return made;
  absl::StatusOr<Watch> watch =
      loop.WatchReadable(endpoint.BrokerFd(), [watcher = made.get()] { watcher->Look(); });
  if (!watch.ok()) return watch.status();
  made->watch_ = *std::move(watch);
  return made;
}

void BrokerWatch::Look() {
  char byte;
  // Questions are asked and answered within this thread. What comes in between is an answer that
  // the successor of a killed broker gave once more, and nobody's business.
  const ssize_t bytes = recv(endpoint_.BrokerFd(), &byte, sizeof(byte), MSG_DONTWAIT);
  if (bytes > 0 || (bytes < 0 && (errno == EAGAIN || errno == EINTR))) return;
  watch_.Reset();
  is_gone_ = true;
  channel_loop_.Stop();
}

absl::Status BrokerWatch::Verdict() const {
  if (!is_gone_) return absl::OkStatus();
  return absl::UnavailableError(
      "the broker that this endpoint was attached to is gone, and the endpoint with it.");
}

}  // namespace tombolo::control

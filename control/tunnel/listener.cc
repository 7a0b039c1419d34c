#include "control/tunnel/listener.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "spdlog/spdlog.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

constexpr int kAcceptsPerTurn = 64;
constexpr int64_t kPauseNs = 100 * kNsPerMs;

// The connection is at fault, not this process.
bool IsOfOneConnection(int error) {
  return error == EINTR || error == ECONNABORTED || error == EPROTO || error == EPERM;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Listener>> Listener::Create(EventLoop& loop,
                                                           const SocketAddress& address,
                                                           unsigned unix_mode,
                                                           OnConnection on_connection) {
  absl::StatusOr<UniqueFd> socket = address.Listen(unix_mode);
  if (!socket.ok()) return socket.status();
  std::unique_ptr<Listener> listener(
      new Listener(loop, address, *std::move(socket), std::move(on_connection)));
  listener->Resume();
  return listener;
}

Listener::Listener(EventLoop& loop, const SocketAddress& address, UniqueFd socket,
                   OnConnection on_connection)
    : loop_(loop),
      address_(address),
      socket_(std::move(socket)),
      on_connection_(std::move(on_connection)) {}

Listener::~Listener() {
  if (address_.IsUnix()) unlink(address_.UnixPath().c_str());
}

void Listener::Resume() {
  absl::StatusOr<Watch> watch = loop_.WatchReadable(socket_.Get(), [this] { AcceptSome(); });
  if (watch.ok()) {
    watch_ = *std::move(watch);
  } else {
    Pause(ENOMEM);
  }
}

void Listener::AcceptSome() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    UniqueFd socket(accept4(socket_.Get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.IsOpen()) {
      told_of_pause_ = false;
      on_connection_(std::move(socket));
    } else if (errno == EAGAIN) {
      return;
    } else if (!IsOfOneConnection(errno)) {
      return Pause(errno);
    }
  }
}

void Listener::Pause(int error) {
  if (!std::exchange(told_of_pause_, true)) {
    spdlog::warn("{}: cannot accept connections now ({}); they wait. Raise `ulimit -n`?",
                 address_.ToString(), strerror(error));
  }
  // A level-triggered listener would be called again at once, and for ever.
  watch_.Reset();
  resume_timer_ = loop_.After(kPauseNs, [this] { Resume(); });
}

}  // namespace tombolo::control

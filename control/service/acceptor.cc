#include "control/service/acceptor.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <utility>

#include "transport/base/errno_status.h"

namespace tombolo::control {
namespace {

// After a failed accept(): long enough that the loop costs nothing, short enough for people.
constexpr int kRestMs = 100;
constexpr int kForever = -1;

// What accept() says of one connection only, or of none: there is no reason to rest.
bool IsHarmless(int error) {
  return error == EAGAIN || error == EINTR || error == ECONNABORTED || error == EPROTO;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Acceptor>> Acceptor::Start(std::vector<Listener> listeners) {
  UniqueFd stop(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop.IsOpen()) return ErrnoStatus(errno, "make an eventfd");
  return std::unique_ptr<Acceptor>(new Acceptor(std::move(listeners), std::move(stop)));
}

Acceptor::Acceptor(std::vector<Listener> listeners, UniqueFd stop) : stop_(std::move(stop)) {
  for (Listener& listener : listeners) served_.push_back({std::move(listener), {}});
  thread_ = std::thread([this] { Run(); });
}

Acceptor::~Acceptor() {
  eventfd_write(stop_.Get(), 1);
  thread_.join();
}

void Acceptor::Run() {
  std::vector<pollfd> polled = {{.fd = stop_.Get(), .events = POLLIN, .revents = 0}};
  for (const Served& served : served_) {
    polled.push_back({.fd = served.listener.fd.Get(), .events = POLLIN, .revents = 0});
  }
  bool resting = false;
  for (;;) {
    // While it rests it looks at `stop_` only: the listeners would wake it at once.
    const nfds_t count = resting ? 1 : polled.size();
    if (poll(polled.data(), count, resting ? kRestMs : kForever) < 0 && errno != EINTR) return;
    if (polled[0].revents != 0) return;
    resting = false;
    for (size_t i = 0; i < served_.size() && count > 1; ++i) {
      if (polled[i + 1].revents != 0 && !AcceptOne(served_[i])) resting = true;
    }
  }
}

bool Acceptor::AcceptOne(Served& served) {
  UniqueFd connection(
      accept4(served.listener.fd.Get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!connection.IsOpen()) return IsHarmless(errno);
  if (!served.connections.HasRoomFor(connection.Get(), served.listener.limits)) return true;
  served.connections.Add(connection.Get());
  served.listener.adopt(connection.Release());
  return true;
}

}  // namespace tombolo::control

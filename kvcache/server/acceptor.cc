#include "kvcache/server/acceptor.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include "kvcache/remote/owner_session.h"
#include "spdlog/spdlog.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

constexpr int kAcceptsPerTurn = 64;
constexpr int64_t kPauseNs = 100 * kNsPerMs;

std::string RefusalIn(Dialect dialect) {
  if (dialect == Dialect::kMemcached) return "ERROR Too many open connections\r\n";
  return OwnerRefusal("the owner has as many readers as it takes; raise its --max-readers.");
}

// The connection is at fault, not this process.
bool IsOfOneConnection(int error) {
  return error == EINTR || error == ECONNABORTED || error == EPROTO || error == EPERM;
}

// Small answers are sent at once; a client whose machine is gone ends some day. Nothing of it means
// anything to a Unix socket.
void Prepare(int socket) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

}  // namespace

Acceptor::Acceptor(event_base* base, std::vector<ListeningSocket> sockets, Dialect dialect,
                   Workers workers, uint64_t max_connections)
    : sockets_(std::move(sockets)),
      dialect_(dialect),
      workers_(workers),
      max_connections_(max_connections),
      resume_timer_(base, -1, 0, &OnResume, this) {
  for (const ListeningSocket& socket : sockets_) {
    events_.emplace_back(base, socket.fd.Get(), EV_READ | EV_PERSIST, &OnConnection, this);
  }
}

absl::Status Acceptor::Start() {
  if (resume_timer_ && Resume()) return absl::OkStatus();
  return absl::ResourceExhaustedError("there is no memory to wait for connections.");
}

bool Acceptor::Resume() {
  for (Event& event : events_) {
    if (!event.Add()) return false;
  }
  is_accepting_.store(true, std::memory_order_relaxed);
  return true;
}

void Acceptor::Stop() {
  resume_timer_.Delete();
  events_.clear();
  for (ListeningSocket& socket : sockets_) {
    if (socket.tcp_port == 0) unlink(socket.name.c_str());
  }
  sockets_.clear();
  is_accepting_.store(false, std::memory_order_relaxed);
}

uint64_t Acceptor::OpenConnections() const {
  // Others count meanwhile: what is closed may be seen before it is seen that it was accepted.
  uint64_t closed = 0;
  const auto dialect = static_cast<size_t>(dialect_);
  for (const auto& worker : workers_) {
    closed += worker->Counters().closed_connections[dialect].Get();
  }
  const uint64_t accepted = counters_.accepted.Get();
  return accepted - std::min(accepted, closed);
}

void Acceptor::OnConnection(evutil_socket_t fd, int16_t /*what*/, void* self) {
  static_cast<Acceptor*>(self)->AcceptSome(fd);
}

void Acceptor::OnResume(evutil_socket_t /*fd*/, int16_t /*what*/, void* self) {
  auto* acceptor = static_cast<Acceptor*>(self);
  if (!acceptor->Resume()) acceptor->Pause(ENOMEM);
}

void Acceptor::AcceptSome(int listening) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    UniqueFd socket(accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.IsOpen()) {
      told_of_pause_ = false;
      Deal(std::move(socket));
    } else if (errno == EAGAIN) {
      return;
    } else if (!IsOfOneConnection(errno)) {
      return Pause(errno);
    }
  }
}

void Acceptor::Deal(UniqueFd socket) {
  if (OpenConnections() >= max_connections_) {
    ++counters_.rejected;
    spdlog::debug("a client is refused: there are {}", max_connections_);
    // It fits into any new socket; if not, the client sees the end.
    const std::string refusal = RefusalIn(dialect_);
    send(socket.Get(), refusal.data(), refusal.size(), MSG_NOSIGNAL);
    return;
  }
  Prepare(socket.Get());
  ++counters_.accepted;
  workers_[next_worker_++ % workers_.size()]->Take(std::move(socket), dialect_);
}

void Acceptor::Pause(int error) {
  if (!std::exchange(told_of_pause_, true)) {
    spdlog::warn("cannot accept connections now ({}); they wait. Raise `ulimit -n`?",
                 strerror(error));
  }
  ++counters_.pauses;
  is_accepting_.store(false, std::memory_order_relaxed);
  // A listener that stays watched would be called again at once, and for ever.
  for (Event& event : events_) event.Delete();
  resume_timer_.Add(kPauseNs);
}

}  // namespace tombolo::kvcache

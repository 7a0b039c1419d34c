#include "kvcache/server/worker.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "kvcache/protocol/session.h"
#include "kvcache/protocol/watch_log.h"
#include "kvcache/remote/owner_session.h"
#include "spdlog/spdlog.h"
#include "transport/base/clock.h"
#include "transport/base/errno_status.h"

namespace tombolo::kvcache {

absl::StatusOr<std::unique_ptr<Worker>> Worker::Create(std::unique_ptr<Backend> backend,
                                                       ConnectionList& list,
                                                       const WorkerOptions& options) {
  absl::StatusOr<Epoll> sockets = Epoll::Create();
  if (!sockets.ok()) return sockets.status();
  UniqueFd wake_up(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake_up.IsOpen()) return ErrnoStatus(errno, "make an eventfd");
  if (!sockets->Add(wake_up.Get(), EPOLLIN, /*tag=*/nullptr)) {
    return ErrnoStatus(errno, "watch an eventfd");
  }
  return std::unique_ptr<Worker>(
      new Worker(*std::move(sockets), std::move(wake_up), std::move(backend), list, options));
}

Worker::Worker(Epoll sockets, UniqueFd wake_up, std::unique_ptr<Backend> backend,
               ConnectionList& list, const WorkerOptions& options)
    : options_(options),
      sockets_(std::move(sockets)),
      wake_up_(std::move(wake_up)),
      backend_(std::move(backend)),
      list_(list),
      server_(*backend_) {
  server_.ring = [this] { eventfd_write(wake_up_.Get(), 1); };
}

Worker::~Worker() {
  Stop();
  Join();
}

void Worker::Join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::Start() {
  thread_ = std::thread([this] {
    Run();
    while (!connections_.empty()) End(*connections_.back(), "shutdown");
  });
}

void Worker::Run() {
  while (!has_stopped_) {
    if (!turns_.empty()) {
      Serve(0);
    } else if (!LookForWork() && !has_stopped_) {
      // SUBTLE: what was found may have been the end, and no event follows that one.
      Serve(MsUntilDue());
    }
  }
}

// Looks at all sockets again and again, for a short while. Whether something has come.
bool Worker::LookForWork() {
  if (!options_.may_look || !patience_.WantsToLook()) return false;
  const uint64_t moves = moves_;
  const int64_t until_ns = MonotonicNs() + Patience::kLookNs;
  while (MonotonicNs() < until_ns && !has_stopped_) {
    Serve(0);
    if (moves_ == moves) continue;
    patience_.Found();
    return true;
  }
  patience_.FoundNothing();
  return false;
}

// Waits at most `timeout_ms`, below 0: as long as it takes.
void Worker::Serve(int timeout_ms) {
  const std::span<const epoll_event> events = sockets_.Wait(timeout_ms);
  command_time_s_ = ConnectionList::NowS();
  for (const epoll_event& event : events) {
    if (event.data.ptr == nullptr) {
      TakeHandedOver();
    } else {
      // SUBTLE: it is there still: a turn ends its own connection at most, and of each there is one
      // event.
      static_cast<Connection*>(event.data.ptr)->OnEvents(event.events);
    }
  }
  GiveTurns();
  SendReplies();
  watch_rounds_.Look();
  KickIdle();
}

void Worker::Take(UniqueFd socket, Dialect dialect) {
  {
    const std::lock_guard lock(mutex_);
    handed_over_.push_back({std::move(socket), dialect});
  }
  eventfd_write(wake_up_.Get(), 1);
}

void Worker::Stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  eventfd_write(wake_up_.Get(), 1);
}

void Worker::TakeHandedOver() {
  // Cleared first: what is handed over meanwhile rings again.
  eventfd_t count;
  eventfd_read(wake_up_.Get(), &count);
  std::vector<NewConnection> taken;
  bool is_stopping;
  {
    const std::lock_guard lock(mutex_);
    taken.swap(handed_over_);
    is_stopping = is_stopping_;
  }
  // What rang may have been the watch log.
  watch_rounds_.Wake();
  for (NewConnection& one : taken) Begin(std::move(one));
  if (is_stopping) has_stopped_ = true;
}

void Worker::Begin(NewConnection taken) {
  connections_.push_back(std::make_unique<Connection>(
      *this, list_, std::move(taken.socket), taken.dialect, MakeConversation(taken.dialect)));
  Connection& connection = *connections_.back();
  if (!connection.Start(std::prev(connections_.end()))) {
    spdlog::warn("a connection was closed, because there is no memory to wait for its client");
    return End(connection, "error");
  }
  TellConnection("conn_new", connection, "");
  spdlog::trace("a client has come; this worker has {}", connections_.size());
  Moved(connection);
}

std::unique_ptr<Conversation> Worker::MakeConversation(Dialect dialect) {
  if (dialect == Dialect::kOwner) return std::make_unique<OwnerSession>(server_);
  return std::make_unique<Session>(server_);
}

// Bytes have moved: the last one to be idle.
void Worker::Moved(Connection& connection) {
  ++moves_;
  if (options_.idle_timeout_ns == 0) return;
  connection.active_at_ns = MonotonicNs();
  connections_.splice(connections_.end(), connections_, connection.Self());
}

void Worker::GiveTurn(Connection& connection) {
  if (connection.HasWork()) ++counters_.yields;
  turns_.push_back(&connection);
}

void Worker::GiveTurns() {
  std::vector<Connection*> turns;
  turns.swap(turns_);
  // Each ends itself at most, and nobody else.
  for (Connection* connection : turns) connection->Resume();
}

void Worker::SendReplies() {
  for (Connection* connection : with_replies_) connection->SendReplies();
  with_replies_.clear();
}

// To those who watch. `end`: of the line before the descriptor.
void Worker::TellConnection(const char* type, const Connection& connection, std::string_view end) {
  if (server_.watch_log == nullptr || !server_.watch_log->Wants(kWatchConnections)) return;
  const SocketName& peer = connection.Peer();
  server_.watch_log->Tell(
      kWatchConnections,
      absl::StrCat("type=", type, " rip=", peer.host, " rport=", peer.port,
                   " transport=", peer.transport, std::string(end), " cfd=", connection.Socket()));
}

void Worker::End(Connection& connection, const char* reason) {
  TellConnection("conn_close", connection, absl::StrCat(" reason=", reason));
  watch_rounds_.Remove(connection);
  if (connection.IsWaitingForTurn()) std::erase(turns_, &connection);
  if (connection.HasRepliesToSend()) std::erase(with_replies_, &connection);
  const auto dialect = static_cast<size_t>(connection.Dialect());
  connections_.erase(connection.Self());
  // Last: whoever sees the number finds the descriptor free.
  ++counters_.closed_connections[dialect];
  spdlog::trace("a client has gone; this worker has {}", connections_.size());
}

void Worker::KickIdle() {
  if (options_.idle_timeout_ns == 0) return;
  const int64_t now_ns = MonotonicNs();
  while (!connections_.empty() &&
         now_ns - connections_.front()->active_at_ns >= options_.idle_timeout_ns) {
    Connection& front = *connections_.front();
    if (front.IsWatching()) {
      // It waits to be told something. Its place is behind all others from here on.
      Moved(front);
      continue;
    }
    ++counters_.idle_kicks;
    spdlog::debug("a client was silent for too long");
    End(front, "idle_timeout");
  }
}

// The same, and when those who watch are to be told something.
int Worker::MsUntilDue() const {
  const int idle_ms = MsUntilIdle();
  const int watch_ms = watch_rounds_.MsUntilDue();
  if (idle_ms < 0 || watch_ms < 0) return std::max(idle_ms, watch_ms);
  return std::min(idle_ms, watch_ms);
}

// When the first connection may have been idle for long enough, as time to wait.
int Worker::MsUntilIdle() const {
  if (options_.idle_timeout_ns == 0 || connections_.empty()) return -1;
  const int64_t until_ns = connections_.front()->active_at_ns + options_.idle_timeout_ns;
  // One more, because the rest of a millisecond is cut off.
  const int64_t ms = (until_ns - MonotonicNs()) / kNsPerMs + 1;
  return static_cast<int>(std::clamp<int64_t>(ms, 0, INT_MAX));
}

}  // namespace tombolo::kvcache

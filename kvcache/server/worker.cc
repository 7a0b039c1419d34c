#include "kvcache/server/worker.h"

#include <errno.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <utility>

#include "kvcache/protocol/session.h"
#include "kvcache/remote/owner_session.h"
#include "spdlog/spdlog.h"
#include "transport/base/clock.h"
#include "transport/base/errno_status.h"

namespace tombolo::kvcache {

absl::StatusOr<std::unique_ptr<Worker>> Worker::Create(std::unique_ptr<Backend> backend,
                                                       const WorkerOptions& options) {
  absl::StatusOr<EventBase> base = MakeEventBase();
  if (!base.ok()) return base.status();
  UniqueFd wake_up(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake_up.IsOpen()) return ErrnoStatus(errno, "make an eventfd");
  std::unique_ptr<Worker> worker(
      new Worker(*std::move(base), std::move(wake_up), std::move(backend), options));
  if (worker->wake_up_event_.Add() && worker->turns_timer_ && worker->idle_timer_) return worker;
  return ErrnoStatus(ENOMEM, "watch an eventfd");
}

Worker::Worker(EventBase base, UniqueFd wake_up, std::unique_ptr<Backend> backend,
               const WorkerOptions& options)
    : options_(options),
      base_(std::move(base)),
      wake_up_(std::move(wake_up)),
      backend_(std::move(backend)),
      server_(*backend_),
      wake_up_event_(base_.get(), wake_up_.Get(), EV_READ | EV_PERSIST, &OnWakeUp, this),
      turns_timer_(base_.get(), -1, 0, &OnTurns, this),
      idle_timer_(base_.get(), -1, 0, &OnIdleTimer, this) {}

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
    while (!connections_.empty()) End(*connections_.back());
  });
}

void Worker::Run() {
  while (!has_stopped_) {
    // SUBTLE: what was found may have been the end, and no event follows that one.
    if (LookForWork() || has_stopped_) continue;
    event_base_loop(base_.get(), EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY);
  }
}

// Looks at all sockets again and again, for a short while. Whether something has come.
bool Worker::LookForWork() {
  if (!options_.may_look || !patience_.WantsToLook()) return false;
  const uint64_t moves = moves_;
  const int64_t until_ns = MonotonicNs() + Patience::kLookNs;
  while (MonotonicNs() < until_ns && !has_stopped_) {
    event_base_loop(base_.get(), EVLOOP_NONBLOCK | EVLOOP_NO_EXIT_ON_EMPTY);
    if (moves_ == moves) continue;
    patience_.Found();
    return true;
  }
  patience_.FoundNothing();
  return false;
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

void Worker::OnWakeUp(evutil_socket_t fd, int16_t /*what*/, void* self) {
  // Cleared first: what is handed over meanwhile rings again.
  eventfd_t count;
  eventfd_read(fd, &count);
  static_cast<Worker*>(self)->TakeHandedOver();
}

void Worker::TakeHandedOver() {
  std::vector<NewConnection> taken;
  bool is_stopping;
  {
    const std::lock_guard lock(mutex_);
    taken.swap(handed_over_);
    is_stopping = is_stopping_;
  }
  for (NewConnection& one : taken) Begin(std::move(one));
  if (!is_stopping) return;
  has_stopped_ = true;
  event_base_loopbreak(base_.get());
}

void Worker::Begin(NewConnection taken) {
  connections_.push_back(std::make_unique<Connection>(*this, std::move(taken.socket), taken.dialect,
                                                      MakeConversation(taken.dialect)));
  Connection& connection = *connections_.back();
  if (!connection.Start(std::prev(connections_.end()))) {
    spdlog::warn("a connection was closed, because there is no memory to wait for its client");
    return End(connection);
  }
  spdlog::trace("a client has come; this worker has {}", connections_.size());
  Moved(connection);
  AwaitIdle();
}

std::unique_ptr<Conversation> Worker::MakeConversation(Dialect dialect) {
  if (dialect == Dialect::kOwner) return std::make_unique<OwnerSession>(server_);
  return std::make_unique<Session>(server_);
}

void Worker::TellWhyClosed(std::string_view why) {
  const int64_t now_ns = MonotonicNs();
  if (now_ns - told_why_at_ns_ < kTellEveryNs) {
    ++untold_;
    return;
  }
  spdlog::warn("a reader elsewhere was cut off: {} ({} others since the last line like this)", why,
               std::exchange(untold_, 0));
  told_why_at_ns_ = now_ns;
}

// Bytes have moved: the last one to be idle.
void Worker::Moved(Connection& connection) {
  ++moves_;
  if (options_.idle_timeout_ns == 0) return;
  connection.active_at_ns = MonotonicNs();
  connections_.splice(connections_.end(), connections_, connection.Self());
}

void Worker::GiveTurn(Connection& connection) {
  ++counters_.yields;
  turns_.push_back(&connection);
  // Not at once: the sockets of others are looked at before.
  if (turns_.size() == 1) turns_timer_.Add(0);
}

void Worker::OnTurns(evutil_socket_t /*fd*/, int16_t /*what*/, void* self) {
  std::vector<Connection*> turns;
  turns.swap(static_cast<Worker*>(self)->turns_);
  // Each ends itself at most, and nobody else.
  for (Connection* connection : turns) connection->Resume();
}

void Worker::End(Connection& connection) {
  if (connection.IsWaitingForTurn()) std::erase(turns_, &connection);
  const auto dialect = static_cast<size_t>(connection.Dialect());
  connections_.erase(connection.Self());
  // Last: whoever sees the number finds the descriptor free.
  ++counters_.closed_connections[dialect];
  spdlog::trace("a client has gone; this worker has {}", connections_.size());
}

void Worker::OnIdleTimer(evutil_socket_t /*fd*/, int16_t /*what*/, void* self) {
  auto* worker = static_cast<Worker*>(self);
  worker->is_idle_timer_set_ = false;
  worker->KickIdle();
  worker->AwaitIdle();
}

void Worker::KickIdle() {
  const int64_t now_ns = MonotonicNs();
  while (!connections_.empty() &&
         now_ns - connections_.front()->active_at_ns >= options_.idle_timeout_ns) {
    ++counters_.idle_kicks;
    spdlog::debug("a client was silent for too long");
    End(*connections_.front());
  }
}

// Wakes up when the first connection may have been idle for long enough.
void Worker::AwaitIdle() {
  if (options_.idle_timeout_ns == 0 || connections_.empty() || is_idle_timer_set_) return;
  const int64_t until_ns = connections_.front()->active_at_ns + options_.idle_timeout_ns;
  is_idle_timer_set_ = idle_timer_.Add(std::max<int64_t>(until_ns - MonotonicNs(), kNsPerMs));
}

}  // namespace tombolo::kvcache

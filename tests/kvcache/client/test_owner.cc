#include "tests/kvcache/client/test_owner.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <span>
#include <utility>
#include <vector>

#include "kvcache/layout/memory_file.h"
#include "transport/base/unix_socket.h"

namespace tombolo::kvcache {
namespace {

constexpr size_t kReadBytes = 64 * kKiB;

// What fails here fails the test, which cannot go on.
template <typename T>
T Must(absl::StatusOr<T> result) {
  if (!result.ok()) abort();
  return *std::move(result);
}

}  // namespace

void TestOwner::Start() {
  file_ = Must(MemoryFile::Claim(
      {.path = window_, .file_bytes = options_.file_bytes, .shard_count = options_.shards}));
  const ShardLimits limits{.segment_bytes = options_.segment_bytes,
                           .item_max_bytes = options_.item_max_bytes};
  shards_ = Must(OwnedShards::Open(*file_, {.limits = limits}, clock_));
  shards_->Tick();
  file_->TellOwner(kOwnerServing);
  backend_ = Must(WorkerBackend::Create(*shards_));
  server_.emplace(*backend_);
  server_->facts.allows_flush = options_.allows_flush;
  server_->facts.identity = {.file_bytes = file_->Shape().file_bytes,
                             .shard_seed = file_->Shape().shard_seed,
                             .shard_count = file_->Shape().shard_count};
  listening_ = Must(ListenUnix(socket_, SOCK_STREAM | SOCK_NONBLOCK, 0600));
  wake_up_ = UniqueFd(eventfd(0, EFD_CLOEXEC));
  thread_ = std::thread([this] { Run(); });
}

void TestOwner::Kill() {
  if (!thread_.joinable()) return;
  eventfd_write(wake_up_.Get(), 1);
  thread_.join();
  connections_.clear();
  listening_.Reset();
  server_.reset();
  backend_.reset();
  shards_.reset();
  file_.reset();
}

void TestOwner::Run() {
  for (;;) {
    std::vector<pollfd> waiting = {{wake_up_.Get(), POLLIN, 0}, {listening_.Get(), POLLIN, 0}};
    const bool reads = !is_stuck.load(std::memory_order_relaxed);
    for (const Connection& one : connections_) {
      waiting.push_back({one.socket.Get(), reads ? int16_t{POLLIN} : int16_t{0}, 0});
    }
    // Looks again now and then, whether it is stuck.
    poll(waiting.data(), waiting.size(), 10);
    if (waiting[0].revents != 0) return;
    size_t next = 2;
    for (auto one = connections_.begin(); one != connections_.end();) {
      const bool is_ready = waiting[next++].revents != 0;
      one = is_ready && !Serve(*one) ? connections_.erase(one) : std::next(one);
    }
    if (waiting[1].revents != 0) Accept();
  }
}

void TestOwner::Accept() {
  UniqueFd socket(accept4(listening_.Get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!socket.IsOpen()) return;
  connections_.push_back({.socket = std::move(socket), .session = OwnerSession(*server_)});
  accepted_.fetch_add(1, std::memory_order_relaxed);
}

// False: it has ended.
bool TestOwner::Serve(Connection& connection) {
  if (is_stuck.load(std::memory_order_relaxed)) return true;
  std::vector<std::byte> buffer(kReadBytes);
  const ssize_t got = recv(connection.socket.Get(), buffer.data(), buffer.size(), 0);
  if (got <= 0) return false;
  std::span<const std::byte> input = std::span(buffer).first(static_cast<size_t>(got));
  OwnerSession& session = connection.session;
  while (!input.empty()) {
    input = input.subspan(session.Feed(input, SIZE_MAX));
    const std::string_view unsent = session.Unsent();
    if (!unsent.empty() && swallowed.load(std::memory_order_relaxed) > 0) {
      swallowed.fetch_sub(1, std::memory_order_relaxed);
      return false;
    }
    if (send(connection.socket.Get(), unsent.data(), unsent.size(), MSG_NOSIGNAL) < 0) return false;
    session.Drained(unsent.size());
  }
  return !session.IsClosed();
}

}  // namespace tombolo::kvcache

// Worker: a thread with the connections that were given to it.
//
//   wait -> turns of those for whom something has come -> turns of those that had more to do
//        -> what all of them have to be sent -> wait
//
// Between two turns of a connection that has more to do, all others have theirs. Replies are sent
// once several connections have had their turns: the kernel's way of sending is long, and what was
// near of ours before it is not afterwards. When there is nothing to do it looks for more for a
// while, if that has paid of late, and sleeps then (patience.h).
//
// Thread safety: Take() and Stop(), any thread; Start() and Join(), who made it; the counters may
// be read by any thread; all the rest belongs to the worker's thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "kvcache/protocol/backend.h"
#include "kvcache/protocol/counter.h"
#include "kvcache/protocol/server.h"
#include "kvcache/server/connection.h"
#include "kvcache/server/connection_list.h"
#include "kvcache/server/cut_off_log.h"
#include "kvcache/server/dialect.h"
#include "kvcache/server/epoll.h"
#include "kvcache/server/patience.h"
#include "kvcache/server/watch_rounds.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {

struct WorkerOptions {
  uint64_t requests_per_turn = 20;
  bool may_look = true;         // For more to do, before it sleeps: there are cores for that.
  int64_t idle_timeout_ns = 0;  // A connection on which nothing moves for so long ends; 0: none.
};

struct WorkerCounters {
  std::array<Counter, kDialects> closed_connections;
  Counter yields;
  Counter idle_kicks;
};

class Worker {
 public:
  // Does nothing yet. `backend`: what its sessions ask for items; only the worker's thread calls
  // it. Fails when descriptors or memory are lacking.
  // `list`: where its connections are listed; it must outlive the worker.
  static absl::StatusOr<std::unique_ptr<Worker>> Create(std::unique_ptr<Backend> backend,
                                                        ConnectionList& list,
                                                        const WorkerOptions& options);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();

  // Starts the thread; std::system_error: there is none to be had.
  void Start();

  // Serves the client of `socket`, which does not block. In vain after Stop().
  void Take(UniqueFd socket, Dialect dialect);

  // Closes all connections and ends the thread; does not wait for it.
  void Stop();

  // Waits for the thread, after Stop().
  void Join();

  const WorkerCounters& Counters() const { return counters_; }
  uint64_t LockFreeHits() const { return backend_->LockFreeHits(); }

  // Facts and `whole` are to be filled in before Start(). Others may read the counters only.
  Server& TheServer() { return server_; }

  // For its connections.
  Epoll& Sockets() { return sockets_; }
  std::span<std::byte> Buffer() { return buffer_; }
  size_t RequestsPerTurn() const { return options_.requests_per_turn; }
  void Moved(Connection& connection);
  void TellWhyClosed(std::string_view why) { log_.Tell(why); }
  void GiveTurn(Connection& connection);
  void SendRepliesLater(Connection& connection) { with_replies_.push_back(&connection); }
  void Watches(Connection& connection) { watch_rounds_.Add(connection); }
  void TellWatchersLater() { watch_rounds_.Wake(); }
  uint32_t CommandTimeS() const { return command_time_s_; }
  // `reason`: as memcached tells those who watch.
  void End(Connection& connection, const char* reason);

 private:
  static constexpr size_t kBufferBytes = 64 * kKiB;  // Read from a socket at once.

  struct NewConnection {
    UniqueFd socket;
    Dialect dialect;
  };

  Worker(Epoll sockets, UniqueFd wake_up, std::unique_ptr<Backend> backend, ConnectionList& list,
         const WorkerOptions& options);

  void Run();
  bool LookForWork();
  void Serve(int timeout_ms);
  void GiveTurns();
  void SendReplies();
  void TakeHandedOver();
  void Begin(NewConnection taken);
  std::unique_ptr<Conversation> MakeConversation(Dialect dialect);
  void KickIdle();
  int MsUntilIdle() const;
  int MsUntilDue() const;
  void TellConnection(const char* type, const Connection& connection, std::string_view end);

  const WorkerOptions options_;
  Epoll sockets_;     // And wake_up_, without a tag.
  UniqueFd wake_up_;  // An eventfd.
  std::unique_ptr<Backend> backend_;
  ConnectionList& list_;
  Server server_;
  WorkerCounters counters_;
  std::array<std::byte, kBufferBytes> buffer_;
  Connection::List connections_;    // With a time-out: who moved longest ago is first.
  std::vector<Connection*> turns_;  // Those that go on as soon as others had their turn.
  std::vector<Connection*> with_replies_;
  WatchRounds watch_rounds_;
  uint32_t command_time_s_ = 0;  // ConnectionList::NowS(), of this turn of the loop.
  Patience patience_;
  uint64_t moves_ = 0;  // How often bytes were read or sent.
  bool has_stopped_ = false;
  CutOffLog log_;

  std::mutex mutex_;
  std::vector<NewConnection> handed_over_;  // Guarded by mutex_.
  bool is_stopping_ = false;                // Guarded by mutex_.
  std::thread thread_;
};

}  // namespace tombolo::kvcache

// FrontEnd: sockets, threads, signals and statistics of a server, whatever its backends are.
//
//   this thread: accepts, waits for signals, and runs what else is registered with Base()
//   workers:     connections, each its own
//
// Not thread-safe: one thread makes, runs and ends it.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kvcache/protocol/backend.h"
#include "kvcache/protocol/credentials.h"
#include "kvcache/protocol/server.h"
#include "kvcache/protocol/watch_log.h"
#include "kvcache/server/acceptor.h"
#include "kvcache/server/connection_list.h"
#include "kvcache/server/event.h"
#include "kvcache/server/region_readers.h"
#include "kvcache/server/server_options.h"
#include "kvcache/server/totals.h"
#include "kvcache/server/worker.h"

namespace tombolo::kvcache {

class FrontEnd {
 public:
  // Serves nobody yet. Fails when descriptors or memory are lacking.
  static absl::StatusOr<std::unique_ptr<FrontEnd>> Create();
  FrontEnd(const FrontEnd&) = delete;
  FrontEnd& operator=(const FrontEnd&) = delete;
  ~FrontEnd();

  event_base* Base() { return base_.get(); }

  // What those who watch are told; whoever tells of more stops before the front end ends.
  WatchLog& Watched() { return watch_log_; }

  // One more thread, whose sessions ask `backend`.
  absl::Status AddWorker(std::unique_ptr<Backend> backend, const WorkerOptions& options);

  // One more thread, for readers of the region. Before Serve().
  void SetRegionReaders(std::unique_ptr<RegionReaders> readers) {
    region_readers_ = std::move(readers);
  }

  // Clients that connect from here on are served. `started_s`: Unix time. `identity`: told to
  // readers elsewhere. Errors: those of ListenAll. Throws std::system_error when there are no
  // threads to be had.
  absl::Status Serve(const ServerOptions& options, uint32_t started_s,
                     const CacheIdentity& identity);

  // Where clients find it, for the log.
  std::string Describe() const;

  // Until SIGTERM, SIGINT or SIGUSR1.
  void Run();

  // Nobody is accepted any more, all connections are closed, and no backend is asked any more.
  void Stop();

 private:
  explicit FrontEnd(EventBase base) : base_(std::move(base)) {}

  absl::Status WatchSignals();
  absl::Status ListenToReaders(const ServerOptions& options);
  void Introduce(Server& server, const ServerFacts& facts);
  void ListListeners(const Acceptor& acceptor);
  static void OnSignal(evutil_socket_t number, int16_t what, void* self);

  EventBase base_;
  std::optional<Credentials> credentials_;
  std::shared_ptr<PrefixStatistics> prefixes_ = std::make_shared<PrefixStatistics>();
  WatchLog watch_log_;
  ConnectionList connections_;
  std::list<ConnectionList::Entry> listeners_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::optional<Acceptor> acceptor_;
  std::optional<Acceptor> reader_acceptor_;
  std::unique_ptr<RegionReaders> region_readers_;
  std::optional<Totals> totals_;
  std::vector<Event> signals_;
};

}  // namespace tombolo::kvcache

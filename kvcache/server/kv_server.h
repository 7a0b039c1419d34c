// KvServer: the owner of a memory file, who serves it by memcached's protocols.
//
//   this thread: accepts, ticks twice a second, waits for signals
//   workers:     connections, each its own
//
// Not thread-safe: one thread starts, runs and ends it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "kvcache/protocol/credentials.h"
#include "kvcache/server/acceptor.h"
#include "kvcache/server/event.h"
#include "kvcache/server/memory_file.h"
#include "kvcache/server/owned_shards.h"
#include "kvcache/server/server_clock.h"
#include "kvcache/server/server_options.h"
#include "kvcache/server/totals.h"
#include "kvcache/server/worker.h"

namespace tombolo::kvcache {

class KvServer {
 public:
  // Serves from here on. Errors: those of MemoryFile::Claim and ListenAll; InvalidArgument when the
  // limits do not fit each other. Throws std::system_error when there are no threads to be had.
  static absl::StatusOr<std::unique_ptr<KvServer>> Start(const ServerOptions& options);
  KvServer(const KvServer&) = delete;
  KvServer& operator=(const KvServer&) = delete;
  ~KvServer();

  // Where clients find it, for the log.
  std::string Describe() const;

  // Until SIGTERM, SIGINT or SIGUSR1. Then nobody is accepted any more, all connections are closed,
  // and readers of the file are told that its owner has stopped.
  void Run();

 private:
  KvServer(MemoryFile file, EventBase base, const std::optional<Credentials>& credentials)
      : file_(std::move(file)), base_(std::move(base)), credentials_(credentials) {}

  absl::Status OpenShards(const ServerOptions& options);
  absl::Status MakeWorkers(const ServerOptions& options);
  absl::Status Accept(const ServerOptions& options, std::vector<ListeningSocket> sockets);
  absl::Status WatchSignals();
  void Stop();

  static void OnSignal(evutil_socket_t number, int16_t what, void* self);
  static void OnTick(evutil_socket_t fd, int16_t what, void* self);

  MemoryFile file_;
  EventBase base_;
  const std::optional<Credentials> credentials_;
  ServerClock clock_;
  std::unique_ptr<OwnedShards> shards_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::optional<Acceptor> acceptor_;
  std::optional<Totals> totals_;
  Event tick_;
  std::vector<Event> signals_;
};

}  // namespace tombolo::kvcache

// KvServer: the owner of a memory file, who serves it by memcached's protocols.
//
// Twice a second its thread tells the readers of the file the time.
//
// Not thread-safe: one thread starts, runs and ends it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "kvcache/server/event.h"
#include "kvcache/server/eviction_lines.h"
#include "kvcache/server/front_end.h"
#include "kvcache/server/memory_file.h"
#include "kvcache/server/owned_shards.h"
#include "kvcache/server/server_clock.h"
#include "kvcache/server/server_options.h"

namespace tombolo::kvcache {

class KvServer {
 public:
  // Serves from here on. Errors: those of MemoryFile::Claim, RegionReaders::Create and
  // FrontEnd::Serve; InvalidArgument
  // when the limits do not fit each other. Throws std::system_error when there are no threads to be
  // had.
  static absl::StatusOr<std::unique_ptr<KvServer>> Start(const ServerOptions& options);
  KvServer(const KvServer&) = delete;
  KvServer& operator=(const KvServer&) = delete;
  ~KvServer();

  // Where clients find it, for the log.
  std::string Describe() const;

  // Until a signal ends it. Then nobody is accepted any more, all connections are closed, and
  // readers of the file are told that its owner has stopped.
  void Run() { front_end_->Run(); }

 private:
  KvServer(MemoryFile file, std::unique_ptr<FrontEnd> front_end)
      : file_(std::move(file)), front_end_(std::move(front_end)) {}

  absl::Status OpenShards(const ServerOptions& options);
  absl::Status MakeWorkers(const ServerOptions& options);
  absl::Status MakeRegionReaders(const ServerOptions& options);

  static void OnTick(evutil_socket_t fd, int16_t what, void* self);

  MemoryFile file_;
  ServerClock clock_;
  std::optional<EvictionLines> eviction_lines_;
  std::unique_ptr<OwnedShards> shards_;
  std::unique_ptr<FrontEnd> front_end_;  // Its workers write the shards.
  Event tick_;
};

}  // namespace tombolo::kvcache

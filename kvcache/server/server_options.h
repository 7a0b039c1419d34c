// What an operator chooses of a server.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kvcache/protocol/credentials.h"
#include "kvcache/server/listen.h"
#include "kvcache/server/memory_file.h"
#include "kvcache/server/worker.h"
#include "kvcache/shard/geometry.h"
#include "transport/base/units.h"
#include "transport/endpoint/endpoint.h"

namespace tombolo::kvcache {

// For a server that does not own the items.
struct GuestOptions {
  std::string window;  // The file that shows them.
  std::string owner;   // As OwnerAddress has it.
  int64_t timeout_ns = kNsPerSecond;
};

struct ServerOptions {
  ListenOptions listen;
  std::string owner_socket;    // For readers elsewhere; empty: none.
  std::string region_service;  // By whose name readers of the region find it; empty: none come.
  std::string broker_socket = kDefaultBrokerSocket;  // Of the region.
  uint64_t max_readers = 256;                        // At owner_socket, and as many of the region.
  MemoryFileOptions memory;
  bool wants_large_pages = false;  // Of the memory file.
  ShardLimits shard;  // But for shard_bytes and segment_bytes, which follow from the file.
  WorkerOptions worker;
  std::optional<GuestOptions> guest;  // None: it owns them, and what concerns memory is meant.
  uint32_t threads = 4;
  uint64_t max_connections = 1024;
  bool allows_flush = true;
  bool allows_dump = true;
  std::optional<char> prefix_delimiter;  // Given: prefixes of keys are counted from the start.
  bool never_evicts = false;             // A put that finds no room is refused.
  bool allows_watch = true;
  std::string auth_file;                   // What they were read from; empty: none.
  std::optional<Credentials> credentials;  // None: everybody is let in.
  uint32_t verbosity = 0;
};

}  // namespace tombolo::kvcache

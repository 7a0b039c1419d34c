// Server: what all sessions of a server have in common. Its owner fills in what sessions cannot
// know, and keeps it up to date; sessions count. Not thread-safe, but that any thread may read
// `counters`.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kvcache/protocol/backend.h"
#include "kvcache/protocol/counter.h"
#include "kvcache/protocol/prefix_statistics.h"
#include "kvcache/protocol/watch_log.h"

namespace tombolo::kvcache {

// By the names of memcached's statistics.
struct CommandCounters {
  Counter cmd_get;
  Counter get_hits;
  Counter get_misses;
  Counter cmd_touch;
  Counter touch_hits;
  Counter touch_misses;
  Counter cmd_set;
  Counter cas_hits;
  Counter cas_misses;
  Counter cas_badval;
  Counter incr_hits;
  Counter incr_misses;
  Counter decr_hits;
  Counter decr_misses;
  Counter delete_hits;
  Counter delete_misses;
  Counter cmd_flush;
  Counter cmd_meta;
  Counter remote_requests;  // Of readers elsewhere: kvcache/remote.
  Counter auth_cmds;
  Counter auth_errors;
  Counter total_items;
  Counter store_too_large;
  Counter store_no_memory;
  Counter bytes_read;
  Counter bytes_written;
};

// By which readers elsewhere know whether they map the memory of this server (FileShape).
struct CacheIdentity {
  uint64_t file_bytes = 0;
  uint64_t shard_seed = 0;
  uint32_t shard_count = 0;

  bool operator==(const CacheIdentity& other) const = default;
};

struct ServerFacts {
  std::string version = "1.6.18";  // Whose wording this is; clients compare its three numbers.
  uint64_t pid = 0;
  uint32_t started_s = 0;  // Unix time.
  uint64_t threads = 1;
  uint64_t max_connections = 1024;
  uint64_t curr_connections = 0;
  uint64_t total_connections = 0;
  uint64_t rejected_connections = 0;
  uint64_t curr_readers = 0;  // Elsewhere: kvcache/remote.
  uint64_t rejected_readers = 0;
  uint64_t tcp_port = 0;
  std::string unix_socket;
  uint32_t verbosity = 0;
  bool allows_flush = true;
  bool allows_dump = true;
  bool evicts = true;                // False: a put that finds no room is refused.
  std::string auth_file;             // Of passwords; empty: none is asked for.
  bool is_accepting = true;          // False while there are no descriptors for new connections.
  uint64_t listen_disabled_num = 0;  // How often that happened.
  uint64_t conn_yields = 0;          // A connection had more requests than one turn may have.
  uint64_t idle_kicks = 0;
  uint64_t requests_per_event = 20;
  uint64_t tcp_backlog = 1024;
  uint64_t idle_timeout_s = 0;  // 0: none.
  std::string interfaces;       // Where it listens; empty: not said.
  uint64_t lock_free_hits = 0;  // Items that were read without asking the owner of the shard.
  CacheIdentity identity;
};

// A connection, as `stats conns` tells of it.
struct ConnectionFacts {
  int socket = -1;
  std::string address = {};
  std::string listen_address = {};  // Empty: it is one that listens.
  const char* state = "";
  uint64_t idle_s = 0;  // Since its last command.
};

class Credentials;
struct Server;

// What a server of several workers is together; each worker has a Server of its own. All functions:
// any thread.
class WholeServer {
 public:
  virtual ~WholeServer() = default;

  // Gives `sum` the facts of all, what all have counted, and where both were at the last reset.
  virtual void SumUp(Server& sum) = 0;
  // `facts`: those of the backend now.
  virtual void Reset(const BackendFacts& facts) = 0;
  virtual void SetVerbosity(uint32_t level) = 0;
  // A bounded number of them.
  virtual std::vector<ConnectionFacts> Connections() { return {}; }
};

// What was counted before the last reset is taken off, here and of the backend's facts.
struct Server {
  explicit Server(Backend& of_items) : backend(of_items) {}

  Backend& backend;
  ServerFacts facts;
  CommandCounters counters;
  BackendFacts at_reset;
  WholeServer* whole = nullptr;  // None: this is all of it.
  StoredValue item;              // For whoever runs a command; what it was before means nothing.
  const Credentials* credentials = nullptr;  // None: everybody is let in.
  // Of a server of several workers, all have the same.
  std::shared_ptr<PrefixStatistics> prefixes = std::make_shared<PrefixStatistics>();
  WatchLog* watch_log = nullptr;  // None: nobody may watch.
  WatchLog::Ring ring;            // Of those who watch here.
  int served_fd = -1;             // Of the connection whose commands are run.
};

}  // namespace tombolo::kvcache

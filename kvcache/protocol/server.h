// Server: what all sessions of a server have in common. Its owner fills in what sessions cannot
// know, and keeps it up to date; sessions count. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include "kvcache/protocol/backend.h"

namespace tombolo::kvcache {

// By the names of memcached's statistics.
struct CommandCounters {
  uint64_t cmd_get = 0;
  uint64_t get_hits = 0;
  uint64_t get_misses = 0;
  uint64_t cmd_touch = 0;
  uint64_t touch_hits = 0;
  uint64_t touch_misses = 0;
  uint64_t cmd_set = 0;
  uint64_t cas_hits = 0;
  uint64_t cas_misses = 0;
  uint64_t cas_badval = 0;
  uint64_t incr_hits = 0;
  uint64_t incr_misses = 0;
  uint64_t decr_hits = 0;
  uint64_t decr_misses = 0;
  uint64_t delete_hits = 0;
  uint64_t delete_misses = 0;
  uint64_t cmd_flush = 0;
  uint64_t cmd_meta = 0;
  uint64_t total_items = 0;
  uint64_t store_too_large = 0;
  uint64_t store_no_memory = 0;
  uint64_t bytes_read = 0;
  uint64_t bytes_written = 0;
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
  uint64_t tcp_port = 0;
  std::string unix_socket;
  uint32_t verbosity = 0;
  bool allows_flush = true;
};

// What was counted before the last reset is taken off, here and of the backend's facts.
struct Server {
  explicit Server(Backend& of_items) : backend(of_items) {}

  Backend& backend;
  ServerFacts facts;
  CommandCounters counters;
  BackendFacts at_reset;
};

}  // namespace tombolo::kvcache

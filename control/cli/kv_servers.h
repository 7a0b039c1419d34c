// The servers that `tombolo kv` asks: the options that name them, and questions to all of them at
// once.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/memcached/memcached_client.h"

namespace tombolo::control {

struct KvServerFlags {
  std::vector<std::string> addresses;  // Empty: the usual one, 127.0.0.1:11211.
  double timeout_s = 5;
};

// --server and --timeout; `flags` must outlive `command`. One server: on which of several a key is
// only their clients know.
void AddKvServerOption(CLI::App& command, KvServerFlags& flags);
void AddKvServersOption(CLI::App& command, KvServerFlags& flags);

// Not connected yet; at least one. InvalidArgument: an address is none.
absl::StatusOr<std::vector<MemcachedClient>> KvClients(const KvServerFlags& flags);

struct KvAnswer {
  std::string server;
  absl::StatusOr<Statistics> statistics;
};

// The statistics of all `groups`, or the general ones if there are none: of all servers at once, in
// the order of `clients`.
std::vector<KvAnswer> AskForStatistics(std::vector<MemcachedClient>& clients,
                                       const std::vector<std::string>& groups);

// What went wrong with any of them; of several servers with how many of them.
absl::Status Failures(const std::vector<KvAnswer>& answers);

}  // namespace tombolo::control

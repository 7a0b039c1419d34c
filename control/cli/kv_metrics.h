// The statistics of a memcached server as metrics for Prometheus, by the names of its
// memcached_exporter, so that dashboards and alerts that were made for that find what they look
// for. docs/monitoring.md lists them.
//
// What a server does not count is left out, and so is what is no number from 0. What is counted but
// has no `_total` in its name there is a gauge here, because Prometheus' rules want it so.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "control/memcached/memcached_client.h"

namespace tombolo::control {

// The groups of statistics that metrics are made of.
struct KvStatistics {
  Statistics general;
  Statistics settings;
  Statistics items;
  Statistics slabs;
};

// Asks for all of them. Errors: those of MemcachedClient.
absl::StatusOr<KvStatistics> AskForMetrics(MemcachedClient& client);

// In Prometheus' text format. `seen` is nothing when the server has not answered: then there is
// `memcached_up 0` alone.
std::string KvMetricsText(const std::optional<KvStatistics>& seen);

}  // namespace tombolo::control

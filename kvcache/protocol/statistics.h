// Statistics: what the commands `stats` of both protocols tell, by memcached's names, so that
// exporters find what they look for. What this store does not have is left out; it has one slab
// class, 1, which is all of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kvcache/protocol/server.h"

namespace tombolo::kvcache {

struct Statistic {
  std::string name;
  std::string value;
};

// `which`: empty for the general ones, settings, items, slabs, sizes or conns. Nothing: there are
// none of that name.
std::optional<std::vector<Statistic>> ListStatistics(Server& server, std::string_view which);

// False: the backend cannot tell its facts, from which it is counted anew; nothing was reset.
bool ResetStatistics(Server& server);

// For sums over several workers.
void AddCounters(const CommandCounters& more, CommandCounters& sum);
void SubtractCounters(const CommandCounters& less, CommandCounters& sum);

// Counts a get, or a touch: whatever gives an item a new expiry.
void CountFetch(bool is_touch, bool is_hit, CommandCounters& counters);

// Counts an incr or decr.
void CountArithmetic(StoreResult result, bool is_down, CommandCounters& counters);

}  // namespace tombolo::kvcache

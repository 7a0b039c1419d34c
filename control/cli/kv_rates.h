// What `tombolo kv top` shows: what each server did in the time between two looks at its
// statistics. docs/cli.md has the schema of --json.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/cli/kv_servers.h"

namespace tombolo::control {

// As memcached names them: what is counted, and what is so at the moment.
inline constexpr std::array<std::string_view, 7> kKvCounters = {
    "cmd_get", "get_hits", "get_misses", "cmd_set", "evictions", "bytes_read", "bytes_written",
};
inline constexpr std::array<std::string_view, 4> kKvLevels = {
    "curr_items",
    "bytes",
    "limit_maxbytes",
    "curr_connections",
};

enum class KvOrder { kGiven, kTraffic };

struct KvRates {
  std::string server;
  std::string error;  // Why it did not answer; empty: it did.
  std::array<double, kKvCounters.size()> per_second{};
  std::array<uint64_t, kKvLevels.size()> levels{};
  std::optional<double> hit_ratio;  // Of the gets in that time; nothing: there were none.
};

// `now` was asked `seconds` after `before`, of the same servers in the same order. 0 is the rate of
// a server that was not there at one of the looks or began anew in between, and of a counter that
// it does not have or that went back.
std::vector<KvRates> KvRatesBetween(const std::vector<KvAnswer>& before,
                                    const std::vector<KvAnswer>& now, double seconds);

// kGiven: does nothing. kTraffic: who is asked for or given most items first.
void Sort(std::vector<KvRates>& rates, KvOrder order);

// Columns of text: the first line is the heading.
std::vector<std::string> KvTopLines(const std::vector<KvRates>& rates);

// Without the end of the line.
std::string KvTopJson(const std::vector<KvRates>& rates, double seconds);

}  // namespace tombolo::control

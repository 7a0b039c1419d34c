#include "control/cli/kv_metrics.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "control/http/metric_families.h"
#include "control/words/words.h"

namespace tombolo::control {
namespace {

struct Metric {
  const char* statistic;
  const char* name;
  const char* help;
};

constexpr Metric kGeneral[] = {
    {"uptime", "memcached_uptime_seconds", "Time since the server started."},
    {"time", "memcached_time_seconds", "The server's time, in Unix time."},
    {"rusage_user", "memcached_process_user_cpu_seconds_total", "Processor time in the program."},
    {"rusage_system", "memcached_process_system_cpu_seconds_total",
     "Processor time in the kernel, for the program."},
    {"bytes_read", "memcached_read_bytes_total", "Bytes that clients sent."},
    {"bytes_written", "memcached_written_bytes_total", "Bytes that clients were sent."},
    {"curr_connections", "memcached_current_connections", "Clients that are connected."},
    {"total_connections", "memcached_connections_total", "Clients that have connected."},
    {"rejected_connections", "memcached_connections_rejected_total",
     "Clients that were turned away, because there were as many as may be."},
    {"conn_yields", "memcached_connections_yielded_total",
     "How often a client that asked for much at once had to wait for others."},
    {"listen_disabled_num", "memcached_connections_listener_disabled_total",
     "How often nobody was accepted for a while."},
    {"accepting_conns", "memcached_accepting_connections", "1 while clients are accepted, else 0."},
    {"bytes", "memcached_current_bytes", "Memory that items take."},
    {"limit_maxbytes", "memcached_limit_bytes", "Memory that items may take."},
    {"curr_items", "memcached_current_items", "Items that are stored."},
    {"total_items", "memcached_items_total", "Items that were stored so far."},
    {"evictions", "memcached_items_evicted_total", "Items that had to go for others."},
    {"reclaimed", "memcached_items_reclaimed_total", "Items stored in the memory of expired ones."},
    {"store_too_large", "memcached_item_too_large_total", "Items refused: larger than the limit."},
    {"store_no_memory", "memcached_item_no_memory_total", "Items refused: no memory for them."},
    {"direct_reclaims", "memcached_direct_reclaims_total",
     "How often who stored an item had to evict others himself."},
    {"lru_crawler_starts", "memcached_lru_crawler_starts_total", "How often the crawler set out."},
    {"crawler_items_checked", "memcached_lru_crawler_items_checked_total",
     "Items that the crawler has looked at."},
    {"crawler_reclaimed", "memcached_lru_crawler_reclaimed_total", "Items that it has removed."},
    {"moves_to_cold", "memcached_lru_crawler_moves_to_cold_total", "Items that became cold."},
    {"moves_to_warm", "memcached_lru_crawler_moves_to_warm_total", "Items that became warm."},
    {"moves_within_lru", "memcached_lru_crawler_moves_within_lru_total",
     "Items that were moved to the front of their own list."},
    // Of tombolo-kv alone.
    {"lock_free_hits", "tombolo_kv_lock_free_hits_total",
     "Gets that were answered without asking the owner of a shard."},
    {"remote_requests", "tombolo_kv_remote_requests_total",
     "What readers elsewhere have asked the owner."},
    {"curr_readers", "tombolo_kv_readers", "Readers elsewhere that are connected."},
    {"rejected_readers", "tombolo_kv_readers_rejected_total",
     "Readers that were turned away, because there were as many as may be."},
};

constexpr Metric kSettings[] = {
    {"maxconns", "memcached_max_connections", "Clients that may be connected."},
};

constexpr Metric kSlabTotals[] = {
    {"total_malloced", "memcached_malloced_bytes", "Memory of all pages."},
};

// Of each slab class.
constexpr Metric kItems[] = {
    {"number", "memcached_slab_current_items", "Items in the class."},
    {"age", "memcached_slab_items_age_seconds", "Age of the oldest item."},
    {"number_hot", "memcached_slab_hot_items", "Items in the hot list."},
    {"number_warm", "memcached_slab_warm_items", "Items in the warm list."},
    {"number_cold", "memcached_slab_cold_items", "Items in the cold list."},
    {"number_temp", "memcached_slab_temporary_items", "Items in the temporary list."},
    {"age_hot", "memcached_slab_hot_age_seconds", "Age of the oldest hot item."},
    {"age_warm", "memcached_slab_warm_age_seconds", "Age of the oldest warm item."},
    {"evicted", "memcached_slab_items_evicted_total", "Items that had to go for others."},
    {"evicted_nonzero", "memcached_slab_items_evicted_nonzero_total",
     "Those that would have expired."},
    {"evicted_time", "memcached_slab_items_evicted_time_seconds",
     "How long the one evicted last had not been asked for."},
    {"evicted_unfetched", "memcached_slab_items_evicted_unfetched_total",
     "Those that nobody had asked for."},
    {"expired_unfetched", "memcached_slab_items_expired_unfetched_total",
     "Items that expired and that nobody had asked for."},
    {"outofmemory", "memcached_slab_items_outofmemory_total", "Items without memory for them."},
    {"reclaimed", "memcached_slab_items_reclaimed_total", "Stored in memory of expired ones."},
    {"crawler_reclaimed", "memcached_slab_items_crawler_reclaimed_total",
     "Items that the crawler has removed."},
    {"tailrepairs", "memcached_slab_items_tailrepairs_total", "Items that nobody gave back."},
    {"moves_to_cold", "memcached_slab_items_moves_to_cold", "Items that became cold."},
    {"moves_to_warm", "memcached_slab_items_moves_to_warm", "Items that became warm."},
    {"moves_within_lru", "memcached_slab_items_moves_within_lru",
     "Items that were moved to the front of their own list."},
};

constexpr Metric kSlabs[] = {
    {"chunk_size", "memcached_slab_chunk_size_bytes", "Size of a chunk."},
    {"chunks_per_page", "memcached_slab_chunks_per_page", "Chunks of a page."},
    {"total_pages", "memcached_slab_current_pages", "Pages of the class."},
    {"total_chunks", "memcached_slab_current_chunks", "Chunks of the class."},
    {"used_chunks", "memcached_slab_chunks_used", "Chunks with an item."},
    {"free_chunks", "memcached_slab_chunks_free", "Chunks without one."},
    {"free_chunks_end", "memcached_slab_chunks_free_end", "Those that never had one."},
    {"mem_requested", "memcached_slab_mem_requested_bytes", "What the items take of their chunks."},
};

struct Command {
  const char* statistic;
  const char* command;
  const char* status;
};

constexpr Command kCommands[] = {
    {"get_hits", "get", "hit"},       {"get_misses", "get", "miss"},
    {"delete_hits", "delete", "hit"}, {"delete_misses", "delete", "miss"},
    {"incr_hits", "incr", "hit"},     {"incr_misses", "incr", "miss"},
    {"decr_hits", "decr", "hit"},     {"decr_misses", "decr", "miss"},
    {"touch_hits", "touch", "hit"},   {"touch_misses", "touch", "miss"},
    {"cas_hits", "cas", "hit"},       {"cas_misses", "cas", "miss"},
    {"cas_badval", "cas", "badval"},  {"cmd_flush", "flush", "hit"},
};

constexpr Command kLruHits[] = {
    {"hits_to_hot", "lru", "hot"},
    {"hits_to_warm", "lru", "warm"},
    {"hits_to_cold", "lru", "cold"},
    {"hits_to_temp", "lru", "temporary"},
};

// Name and number of what is one.
using Numbers = std::map<std::string, double, std::less<>>;

void AddNumber(const std::string& name, const std::string& value, Numbers& numbers) {
  double number = 0;
  if (absl::SimpleAtod(value, &number) && std::isfinite(number) && number >= 0) {
    numbers.insert_or_assign(name, number);
  }
}

Numbers NumbersIn(const Statistics& statistics) {
  Numbers numbers;
  for (const auto& [name, value] : statistics) AddNumber(name, value, numbers);
  return numbers;
}

// Of each slab class those that are called `prefix` CLASS ':' NAME.
std::map<uint32_t, Numbers> NumbersByClass(const Statistics& statistics, std::string_view prefix) {
  std::map<uint32_t, Numbers> classes;
  for (const auto& [name, value] : statistics) {
    if (!name.starts_with(prefix)) continue;
    const std::string rest = name.substr(prefix.size());
    const size_t colon = rest.find(':');
    uint32_t slab = 0;
    if (colon == std::string::npos || !absl::SimpleAtoi(rest.substr(0, colon), &slab)) continue;
    AddNumber(rest.substr(colon + 1), value, classes[slab]);
  }
  return classes;
}

std::optional<double> Find(const Numbers& numbers, std::string_view name) {
  const auto found = numbers.find(name);
  if (found == numbers.end()) return std::nullopt;
  return found->second;
}

// Families without a sample would be none.
class Families {
 public:
  // `Samples(add)` calls `add(value, labels)` for each.
  template <typename Samples>
  void Add(const char* name, const char* help, Samples samples) {
    bool has_begun = false;
    samples([&](double value, const Labels& labels) {
      if (!std::exchange(has_begun, true)) Begin(name, help);
      families_.Add(value, labels);
    });
  }

  template <size_t kCount>
  void AddAll(const Metric (&metrics)[kCount], const Numbers& numbers) {
    for (const Metric& metric : metrics) {
      Add(metric.name, metric.help, [&](const auto& add) {
        if (const auto value = Find(numbers, metric.statistic)) add(*value, {});
      });
    }
  }

  template <size_t kCount>
  void AddAll(const Metric (&metrics)[kCount], const std::map<uint32_t, Numbers>& classes) {
    for (const Metric& metric : metrics) {
      Add(metric.name, metric.help, [&](const auto& add) {
        for (const auto& [slab, numbers] : classes) {
          const auto value = Find(numbers, metric.statistic);
          if (value) add(*value, {{"slab", std::to_string(slab)}});
        }
      });
    }
  }

  std::string Text() const { return families_.Text(); }

 private:
  void Begin(const char* name, const char* help) {
    if (absl::EndsWith(name, "_total")) return families_.BeginCounter(name, help);
    families_.BeginGauge(name, help);
  }

  MetricFamilies families_;
};

// memcached counts a cas among the sets too. Which of them it does not count for a slab class is
// none there.
std::optional<double> SetsWithoutCas(const Numbers& numbers) {
  const auto sets = Find(numbers, "cmd_set");
  if (!sets) return std::nullopt;
  double others = 0;
  for (const char* name : {"cas_hits", "cas_misses", "cas_badval"}) {
    others += Find(numbers, name).value_or(0);
  }
  // They are counted one after the other.
  return std::max(*sets - others, 0.0);
}

// `add(value, labels)`; `labels` come first.
template <typename Add>
void AddCommands(const Numbers& numbers, const Labels& labels, const Add& add) {
  const auto with = [&labels](const char* command, const char* status) {
    Labels all = labels;
    all.push_back({"command", command});
    all.push_back({"status", status});
    return all;
  };
  for (const Command& one : kCommands) {
    if (const auto value = Find(numbers, one.statistic)) add(*value, with(one.command, one.status));
  }
  if (const auto sets = SetsWithoutCas(numbers)) add(*sets, with("set", "hit"));
}

void AddVersion(const Statistics& general, Families& families) {
  families.Add("memcached_version", "1; the label tells which version the server says it is.",
               [&general](const auto& add) {
                 for (const auto& [name, value] : general) {
                   if (name == "version") return add(1, {{"version", Printable(value)}});
                 }
               });
}

void AddSlabs(const KvStatistics& seen, Families& families) {
  const auto items = NumbersByClass(seen.items, "items:");
  const auto slabs = NumbersByClass(seen.slabs, "");
  families.AddAll(kSlabTotals, NumbersIn(seen.slabs));
  families.AddAll(kItems, items);
  families.Add("memcached_slab_lru_hits_total", "Gets, by the list of the item.",
               [&items](const auto& add) {
                 for (const auto& [slab, numbers] : items) {
                   for (const Command& one : kLruHits) {
                     const auto value = Find(numbers, one.statistic);
                     if (value) add(*value, {{"slab", std::to_string(slab)}, {"lru", one.status}});
                   }
                 }
               });
  families.AddAll(kSlabs, slabs);
  families.Add("memcached_slab_commands_total", "Commands, by how they ended.",
               [&slabs](const auto& add) {
                 for (const auto& [slab, numbers] : slabs) {
                   AddCommands(numbers, {{"slab", std::to_string(slab)}}, add);
                 }
               });
}

}  // namespace

absl::StatusOr<KvStatistics> AskForMetrics(MemcachedClient& client) {
  KvStatistics seen;
  for (const auto& [group, statistics] : {std::pair{"", &seen.general},
                                          {"settings", &seen.settings},
                                          {"items", &seen.items},
                                          {"slabs", &seen.slabs}}) {
    absl::StatusOr<Statistics> some = client.Stats(group);
    if (some.ok()) {
      *statistics = *std::move(some);
    } else if (!absl::IsInvalidArgument(some.status())) {  // It has no such group.
      return some.status();
    }
  }
  return seen;
}

std::string KvMetricsText(const std::optional<KvStatistics>& seen) {
  Families families;
  families.Add("memcached_up", "Whether the server answers.",
               [&seen](const auto& add) { add(seen ? 1 : 0, {}); });
  if (!seen) return families.Text();
  const Numbers general = NumbersIn(seen->general);
  AddVersion(seen->general, families);
  families.AddAll(kGeneral, general);
  families.AddAll(kSettings, NumbersIn(seen->settings));
  families.Add("memcached_commands_total", "Commands, by how they ended.",
               [&general](const auto& add) { AddCommands(general, {}, add); });
  AddSlabs(*seen, families);
  return families.Text();
}

}  // namespace tombolo::control

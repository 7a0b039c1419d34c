#include "kvcache/protocol/statistics.h"

#include <sys/resource.h>
#include <sys/time.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tombolo::kvcache {
namespace {

using Statistics = std::vector<Statistic>;
using CounterOf = Counter CommandCounters::*;

struct NamedCounter {
  const char* name;
  CounterOf counter;
};

// Told of the slab class too, which is all of the store.
constexpr NamedCounter kSlabCounters[] = {
    {"get_hits", &CommandCounters::get_hits},     {"touch_hits", &CommandCounters::touch_hits},
    {"cmd_set", &CommandCounters::cmd_set},       {"cas_hits", &CommandCounters::cas_hits},
    {"cas_badval", &CommandCounters::cas_badval}, {"incr_hits", &CommandCounters::incr_hits},
    {"decr_hits", &CommandCounters::decr_hits},   {"delete_hits", &CommandCounters::delete_hits},
};

constexpr NamedCounter kOtherCounters[] = {
    {"cmd_get", &CommandCounters::cmd_get},
    {"get_misses", &CommandCounters::get_misses},
    {"cmd_touch", &CommandCounters::cmd_touch},
    {"touch_misses", &CommandCounters::touch_misses},
    {"cas_misses", &CommandCounters::cas_misses},
    {"incr_misses", &CommandCounters::incr_misses},
    {"decr_misses", &CommandCounters::decr_misses},
    {"delete_misses", &CommandCounters::delete_misses},
    {"cmd_meta", &CommandCounters::cmd_meta},
    {"cmd_flush", &CommandCounters::cmd_flush},
    {"remote_requests", &CommandCounters::remote_requests},
    {"auth_cmds", &CommandCounters::auth_cmds},
    {"auth_errors", &CommandCounters::auth_errors},
    {"total_items", &CommandCounters::total_items},
    {"store_too_large", &CommandCounters::store_too_large},
    {"store_no_memory", &CommandCounters::store_no_memory},
    {"bytes_read", &CommandCounters::bytes_read},
    {"bytes_written", &CommandCounters::bytes_written},
};

// What exporters ask for and is never anything else here.
constexpr const char* kZeros[] = {"reclaimed"};
constexpr const char* kZerosOfItems[] = {
    "age",       "evicted_nonzero",   "evicted_time",     "tailrepairs",
    "reclaimed", "expired_unfetched", "evicted_unfetched"};

template <typename Value>
void Add(Statistics& list, std::string name, const Value& value) {
  list.push_back({std::move(name), absl::StrCat(value)});
}

void Add(Statistics& list, std::string name, const Counter& counter) {
  Add(list, std::move(name), counter.Get());
}

// Since the last reset. An owner elsewhere may have begun anew since, and counts from 0 then.
uint64_t Since(uint64_t then, uint64_t now) { return now >= then ? now - then : now; }

const char* YesNo(bool is_yes) { return is_yes ? "yes" : "no"; }

std::string SecondsText(const timeval& time) {
  return absl::StrCat(time.tv_sec, ".", absl::Dec(time.tv_usec, absl::kZeroPad6));
}

void AddProcessorTime(Statistics& list) {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  Add(list, "rusage_user", SecondsText(usage.ru_utime));
  Add(list, "rusage_system", SecondsText(usage.ru_stime));
}

void AddProcess(Server& server, Statistics& list) {
  const ServerFacts& facts = server.facts;
  const uint32_t now_s = server.backend.NowS();
  Add(list, "version", facts.version);
  Add(list, "pid", facts.pid);
  Add(list, "pointer_size", 8 * sizeof(void*));
  Add(list, "threads", facts.threads);
  Add(list, "time", now_s);
  Add(list, "uptime", now_s - std::min(now_s, facts.started_s));
  AddProcessorTime(list);
}

void AddConnections(const ServerFacts& facts, Statistics& list) {
  Add(list, "curr_connections", facts.curr_connections);
  Add(list, "connection_structures", facts.curr_connections);
  Add(list, "total_connections", facts.total_connections);
  Add(list, "rejected_connections", facts.rejected_connections);
  Add(list, "max_connections", facts.max_connections);
  Add(list, "curr_readers", facts.curr_readers);
  Add(list, "rejected_readers", facts.rejected_readers);
  Add(list, "accepting_conns", facts.is_accepting ? 1 : 0);
  Add(list, "listen_disabled_num", facts.listen_disabled_num);
  Add(list, "conn_yields", facts.conn_yields);
  Add(list, "idle_kicks", facts.idle_kicks);
  Add(list, "lock_free_hits", facts.lock_free_hits);
}

void AddStore(const Server& server, Statistics& list) {
  const BackendFacts facts = server.backend.Facts();
  Add(list, "curr_items", facts.items);
  Add(list, "bytes", facts.bytes);
  Add(list, "limit_maxbytes", facts.limit_bytes);
  Add(list, "evictions", Since(server.at_reset.evicted_items, facts.evicted_items));
  Add(list, "get_expired", Since(server.at_reset.expired_items, facts.expired_items));
  Add(list, "get_flushed", Since(server.at_reset.flushed_items, facts.flushed_items));
}

Statistics General(Server& server) {
  Statistics list;
  AddProcess(server, list);
  AddConnections(server.facts, list);
  AddStore(server, list);
  for (const auto& [name, counter] : kSlabCounters) Add(list, name, server.counters.*counter);
  for (const auto& [name, counter] : kOtherCounters) Add(list, name, server.counters.*counter);
  for (const char* name : kZeros) Add(list, name, 0);
  return list;
}

Statistics Settings(const Server& server) {
  const ServerFacts& facts = server.facts;
  const BackendFacts items = server.backend.Facts();
  Statistics list;
  Add(list, "item_size_max", items.item_max_bytes);
  Add(list, "maxbytes", items.limit_bytes);
  Add(list, "evictions", facts.evicts ? "on" : "off");
  Add(list, "cas_enabled", "yes");
  Add(list, "oldest", 0);
  Add(list, "flush_enabled", YesNo(facts.allows_flush));
  Add(list, "dump_enabled", YesNo(facts.allows_dump));
  Add(list, "detail_enabled", YesNo(server.prefixes->IsOn()));
  for (const char* name : {"auth_enabled_sasl", "shutdown_command", "track_sizes"}) {
    Add(list, name, "no");
  }
  Add(list, "auth_enabled_ascii", facts.auth_file.empty() ? "no" : facts.auth_file);
  Add(list, "stat_key_prefix", std::string(1, server.prefixes->Delimiter()));
  Add(list, "verbosity", facts.verbosity);
  Add(list, "num_threads", facts.threads);
  Add(list, "maxconns", facts.max_connections);
  Add(list, "domain_socket", facts.unix_socket.empty() ? "NULL" : facts.unix_socket);
  Add(list, "inter", facts.interfaces.empty() ? "NULL" : facts.interfaces);
  Add(list, "tcpport", facts.tcp_port);
  Add(list, "udpport", 0);
  Add(list, "binding_protocol", "auto-negotiate");
  Add(list, "reqs_per_event", facts.requests_per_event);
  Add(list, "tcp_backlog", facts.tcp_backlog);
  Add(list, "idle_timeout", facts.idle_timeout_s);
  Add(list, "maxconns_fast", "yes");
  return list;
}

Statistics Items(const Server& server) {
  const BackendFacts facts = server.backend.Facts();
  Statistics list;
  if (facts.items == 0) return list;
  const auto add = [&list](const char* name, uint64_t value) {
    Add(list, absl::StrCat("items:1:", name), value);
  };
  add("number", facts.items);
  add("mem_requested", facts.bytes);
  add("evicted", Since(server.at_reset.evicted_items, facts.evicted_items));
  add("outofmemory", server.counters.store_no_memory.Get());
  for (const char* name : kZerosOfItems) add(name, 0);
  return list;
}

// Of the one slab class. A segment is a page; a chunk is taken for one item.
void AddSlabClass(const Server& server, const BackendFacts& facts, uint64_t pages,
                  Statistics& list) {
  const auto add = [&list](const char* name, uint64_t value) {
    Add(list, absl::StrCat("1:", name), value);
  };
  const uint64_t chunk_bytes = std::max<uint64_t>(facts.bytes / facts.items, 1);
  add("mem_requested", facts.bytes);
  add("total_pages", pages);
  add("chunks_per_page", facts.segment_bytes / chunk_bytes);
  add("chunk_size", chunk_bytes);
  add("used_chunks", facts.items);
  add("total_chunks", facts.items);
  add("free_chunks", 0);
  add("free_chunks_end", 0);
  for (const auto& [name, counter] : kSlabCounters) add(name, (server.counters.*counter).Get());
}

Statistics Slabs(const Server& server) {
  const BackendFacts facts = server.backend.Facts();
  const uint64_t page_bytes = std::max<uint64_t>(facts.segment_bytes, 1);
  const uint64_t pages = (facts.bytes + page_bytes - 1) / page_bytes;
  Statistics list;
  if (facts.items != 0) AddSlabClass(server, facts, pages, list);
  Add(list, "active_slabs", facts.items == 0 ? 0 : 1);
  Add(list, "total_malloced", pages * facts.segment_bytes);
  return list;
}

Statistics Connections(Server& server) {
  Statistics list;
  if (server.whole == nullptr) return list;
  for (const ConnectionFacts& one : server.whole->Connections()) {
    const auto add = [&list, &one](const char* name, const auto& value) {
      Add(list, absl::StrCat(one.socket, ":", name), value);
    };
    add("addr", one.address);
    if (!one.listen_address.empty()) add("listen_addr", one.listen_address);
    // Whoever asks is being served.
    add("state", one.socket == server.served_fd ? "conn_parse_cmd" : one.state);
    add("secs_since_last_cmd", one.idle_s);
  }
  return list;
}

std::optional<Statistics> List(Server& server, std::string_view which) {
  if (which.empty()) return General(server);
  if (which == "settings") return Settings(server);
  if (which == "items") return Items(server);
  if (which == "slabs") return Slabs(server);
  if (which == "sizes") return Statistics{{"sizes_status", "disabled"}};
  return std::nullopt;
}

}  // namespace

std::optional<std::vector<Statistic>> ListStatistics(Server& server, std::string_view which) {
  if (which == "conns") return Connections(server);
  if (server.whole == nullptr) return List(server, which);
  Server sum(server.backend);
  sum.prefixes = server.prefixes;
  server.whole->SumUp(sum);
  return List(sum, which);
}

bool ResetStatistics(Server& server) {
  const BackendFacts facts = server.backend.Facts();
  if (server.backend.TakeFailure()) return false;
  server.prefixes->Reset();
  if (server.whole != nullptr) {
    server.whole->Reset(facts);
    return true;
  }
  server.counters = {};
  server.at_reset = facts;
  return true;
}

void AddCounters(const CommandCounters& more, CommandCounters& sum) {
  for (const auto& [name, counter] : kSlabCounters) sum.*counter += (more.*counter).Get();
  for (const auto& [name, counter] : kOtherCounters) sum.*counter += (more.*counter).Get();
}

// Numbers wrap: what is added here is taken off.
void SubtractCounters(const CommandCounters& less, CommandCounters& sum) {
  for (const auto& [name, counter] : kSlabCounters) sum.*counter += 0 - (less.*counter).Get();
  for (const auto& [name, counter] : kOtherCounters) sum.*counter += 0 - (less.*counter).Get();
}

void CountFetch(bool is_touch, bool is_hit, CommandCounters& counters) {
  const CounterOf command = is_touch ? &CommandCounters::cmd_touch : &CommandCounters::cmd_get;
  const CounterOf hits = is_touch ? &CommandCounters::touch_hits : &CommandCounters::get_hits;
  const CounterOf misses = is_touch ? &CommandCounters::touch_misses : &CommandCounters::get_misses;
  ++(counters.*command);
  ++(counters.*(is_hit ? hits : misses));
}

void CountArithmetic(StoreResult result, bool is_down, CommandCounters& counters) {
  if (result == StoreResult::kStored) ++(is_down ? counters.decr_hits : counters.incr_hits);
  if (result == StoreResult::kNotFound) ++(is_down ? counters.decr_misses : counters.incr_misses);
}

}  // namespace tombolo::kvcache

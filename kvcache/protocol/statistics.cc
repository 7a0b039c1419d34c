#include "kvcache/protocol/statistics.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace tombolo::kvcache {
namespace {

using Statistics = std::vector<Statistic>;

template <typename Value>
void Add(Statistics& list, std::string_view name, const Value& value) {
  list.push_back({std::string(name), absl::StrCat(value)});
}

void AddServer(Server& server, Statistics& list) {
  const ServerFacts& facts = server.facts;
  const uint32_t now_s = server.backend.NowS();
  Add(list, "pid", facts.pid);
  Add(list, "uptime", now_s - std::min(now_s, facts.started_s));
  Add(list, "time", now_s);
  Add(list, "version", facts.version);
  Add(list, "pointer_size", 8 * sizeof(void*));
  Add(list, "max_connections", facts.max_connections);
  Add(list, "curr_connections", facts.curr_connections);
  Add(list, "total_connections", facts.total_connections);
  Add(list, "rejected_connections", facts.rejected_connections);
  Add(list, "connection_structures", facts.curr_connections);
}

void AddCommands(const CommandCounters& counters, Statistics& list) {
  Add(list, "cmd_get", counters.cmd_get);
  Add(list, "cmd_set", counters.cmd_set);
  Add(list, "cmd_flush", counters.cmd_flush);
  Add(list, "cmd_touch", counters.cmd_touch);
  Add(list, "cmd_meta", counters.cmd_meta);
  Add(list, "get_hits", counters.get_hits);
  Add(list, "get_misses", counters.get_misses);
  Add(list, "delete_misses", counters.delete_misses);
  Add(list, "delete_hits", counters.delete_hits);
  Add(list, "incr_misses", counters.incr_misses);
  Add(list, "incr_hits", counters.incr_hits);
  Add(list, "decr_misses", counters.decr_misses);
  Add(list, "decr_hits", counters.decr_hits);
  Add(list, "cas_misses", counters.cas_misses);
  Add(list, "cas_hits", counters.cas_hits);
  Add(list, "cas_badval", counters.cas_badval);
  Add(list, "touch_hits", counters.touch_hits);
  Add(list, "touch_misses", counters.touch_misses);
  Add(list, "store_too_large", counters.store_too_large);
  Add(list, "store_no_memory", counters.store_no_memory);
  Add(list, "bytes_read", counters.bytes_read);
  Add(list, "bytes_written", counters.bytes_written);
  Add(list, "total_items", counters.total_items);
}

void AddItems(const Server& server, Statistics& list) {
  const BackendFacts facts = server.backend.Facts();
  Add(list, "get_expired", facts.expired_items - server.at_reset.expired_items);
  Add(list, "get_flushed", facts.flushed_items - server.at_reset.flushed_items);
  Add(list, "auth_cmds", 0);
  Add(list, "auth_errors", 0);
  Add(list, "limit_maxbytes", facts.limit_bytes);
  Add(list, "accepting_conns", 1);
  Add(list, "listen_disabled_num", 0);
  Add(list, "threads", server.facts.threads);
  Add(list, "bytes", facts.bytes);
  Add(list, "curr_items", facts.items);
  Add(list, "evictions", facts.evicted_items - server.at_reset.evicted_items);
  Add(list, "reclaimed", 0);
}

Statistics General(Server& server) {
  Statistics list;
  AddServer(server, list);
  AddCommands(server.counters, list);
  AddItems(server, list);
  return list;
}

Statistics Settings(const Server& server) {
  const ServerFacts& facts = server.facts;
  const BackendFacts items = server.backend.Facts();
  Statistics list;
  Add(list, "maxbytes", items.limit_bytes);
  Add(list, "maxconns", facts.max_connections);
  Add(list, "tcpport", facts.tcp_port);
  Add(list, "udpport", 0);
  Add(list, "inter", "NULL");
  Add(list, "verbosity", facts.verbosity);
  Add(list, "oldest", 0);
  Add(list, "evictions", "on");
  Add(list, "domain_socket", facts.unix_socket.empty() ? "NULL" : facts.unix_socket);
  Add(list, "shutdown_command", "no");
  Add(list, "num_threads", facts.threads);
  Add(list, "stat_key_prefix", ":");
  Add(list, "detail_enabled", "no");
  Add(list, "cas_enabled", "yes");
  Add(list, "binding_protocol", "auto-negotiate");
  Add(list, "auth_enabled_sasl", "no");
  Add(list, "auth_enabled_ascii", "no");
  Add(list, "item_size_max", items.item_max_bytes);
  Add(list, "flush_enabled", facts.allows_flush ? "yes" : "no");
  Add(list, "dump_enabled", "no");
  Add(list, "track_sizes", "no");
  return list;
}

Statistics Items(const Server& server) {
  const BackendFacts facts = server.backend.Facts();
  Statistics list;
  if (facts.items == 0) return list;
  Add(list, "items:1:number", facts.items);
  Add(list, "items:1:age", 0);
  Add(list, "items:1:mem_requested", facts.bytes);
  Add(list, "items:1:evicted", facts.evicted_items - server.at_reset.evicted_items);
  Add(list, "items:1:evicted_nonzero", 0);
  Add(list, "items:1:evicted_time", 0);
  Add(list, "items:1:outofmemory", server.counters.store_no_memory);
  Add(list, "items:1:tailrepairs", 0);
  Add(list, "items:1:reclaimed", 0);
  Add(list, "items:1:expired_unfetched", 0);
  Add(list, "items:1:evicted_unfetched", 0);
  return list;
}

// A segment is a page; a chunk is taken for one item.
Statistics Slabs(const Server& server) {
  const BackendFacts facts = server.backend.Facts();
  const CommandCounters& counters = server.counters;
  const uint64_t pages = (facts.bytes + facts.segment_bytes - 1) / facts.segment_bytes;
  Statistics list;
  if (facts.items != 0) {
    const uint64_t chunk_bytes = facts.bytes / facts.items;
    Add(list, "1:chunk_size", chunk_bytes);
    Add(list, "1:chunks_per_page", facts.segment_bytes / std::max<uint64_t>(chunk_bytes, 1));
    Add(list, "1:total_pages", pages);
    Add(list, "1:total_chunks", facts.items);
    Add(list, "1:used_chunks", facts.items);
    Add(list, "1:free_chunks", 0);
    Add(list, "1:free_chunks_end", 0);
    Add(list, "1:mem_requested", facts.bytes);
    Add(list, "1:get_hits", counters.get_hits);
    Add(list, "1:cmd_set", counters.cmd_set);
    Add(list, "1:delete_hits", counters.delete_hits);
    Add(list, "1:incr_hits", counters.incr_hits);
    Add(list, "1:decr_hits", counters.decr_hits);
    Add(list, "1:cas_hits", counters.cas_hits);
    Add(list, "1:cas_badval", counters.cas_badval);
    Add(list, "1:touch_hits", counters.touch_hits);
  }
  Add(list, "active_slabs", facts.items == 0 ? 0 : 1);
  Add(list, "total_malloced", pages * facts.segment_bytes);
  return list;
}

}  // namespace

std::optional<Statistics> ListStatistics(Server& server, std::string_view which) {
  if (which.empty()) return General(server);
  if (which == "settings") return Settings(server);
  if (which == "items") return Items(server);
  if (which == "slabs") return Slabs(server);
  if (which == "sizes") return Statistics{{"sizes_status", "disabled"}};
  return std::nullopt;
}

void ResetStatistics(Server& server) {
  server.counters = {};
  server.at_reset = server.backend.Facts();
}

void CountArithmetic(StoreResult result, bool is_down, CommandCounters& counters) {
  if (result == StoreResult::kStored) ++(is_down ? counters.decr_hits : counters.incr_hits);
  if (result == StoreResult::kNotFound) ++(is_down ? counters.decr_misses : counters.incr_misses);
}

}  // namespace tombolo::kvcache

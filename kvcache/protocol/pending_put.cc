#include "kvcache/protocol/pending_put.h"

#include "kvcache/protocol/watch_lines.h"
#include "kvcache/store/numbers.h"

namespace tombolo::kvcache {
namespace {

// With the end of its line it is to fit into 31 bits.
constexpr int32_t kMaxValueBytes = INT32_MAX - 2;

void CountCas(StoreResult result, CommandCounters& counters) {
  if (result == StoreResult::kStored) ++counters.cas_hits;
  if (result == StoreResult::kExists) ++counters.cas_badval;
  if (result == StoreResult::kNotFound) ++counters.cas_misses;
}

}  // namespace

std::optional<uint64_t> ValueBytesIn(std::string_view token) {
  const std::optional<int32_t> bytes = Signed32In(token);
  if (!bytes || *bytes < 0 || *bytes > kMaxValueBytes) return std::nullopt;
  return static_cast<uint64_t>(*bytes);
}

bool Admit(const PendingPut& put, uint64_t value_bytes, Server& server) {
  if (server.backend.Fits(put.key.size(), value_bytes)) return true;
  ++server.counters.store_too_large;
  TellStore(server, put, value_bytes, {}, StoreResult::kTooLarge);
  if (put.is_meta || put.mode == PutMode::kSet) RunRemove(server, {.key = put.key});
  return false;
}

StoreAnswer RunPut(const PendingPut& put, size_t value_bytes, Server& server) {
  const SeenBefore before = LookBefore(server, put.key);
  const StoreAnswer answer =
      server.backend.Put({.mode = put.mode,
                          .key = put.key,
                          .value = std::string_view(put.value).substr(0, value_bytes),
                          .flags = put.flags,
                          .exptime = put.exptime,
                          .cas = put.cas,
                          .takes_older = put.takes_older,
                          .marks = put.marks});
  TellStore(server, put, value_bytes, before, answer.result);
  CommandCounters& counters = server.counters;
  ++counters.cmd_set;
  if (answer.result == StoreResult::kStored) ++counters.total_items;
  if (answer.result == StoreResult::kNoMemory) ++counters.store_no_memory;
  if (put.mode == PutMode::kCas) CountCas(answer.result, counters);
  return answer;
}

}  // namespace tombolo::kvcache

#include "kvcache/protocol/pending_put.h"

namespace tombolo::kvcache {
namespace {

void CountCas(StoreResult result, CommandCounters& counters) {
  if (result == StoreResult::kStored) ++counters.cas_hits;
  if (result == StoreResult::kExists) ++counters.cas_badval;
  if (result == StoreResult::kNotFound) ++counters.cas_misses;
}

}  // namespace

StoreAnswer RunPut(const PendingPut& put, size_t value_bytes, Server& server) {
  const StoreAnswer answer =
      server.backend.Put({.mode = put.mode,
                          .key = put.key,
                          .value = std::string_view(put.value).substr(0, value_bytes),
                          .flags = put.flags,
                          .exptime = put.exptime,
                          .cas = put.cas,
                          .takes_older = put.takes_older,
                          .marks = put.marks});
  CommandCounters& counters = server.counters;
  ++counters.cmd_set;
  if (answer.result == StoreResult::kStored) ++counters.total_items;
  if (answer.result == StoreResult::kNoMemory) ++counters.store_no_memory;
  if (put.mode == PutMode::kCas) CountCas(answer.result, counters);
  return answer;
}

}  // namespace tombolo::kvcache

#include "kvcache/protocol/store_backend.h"

#include "kvcache/shard/geometry.h"

namespace tombolo::kvcache {

BackendFacts StoreBackend::Facts() {
  const ShardShape& shape = store_.Geometry().shape;
  const StoreCounters& counters = store_.Counters();
  return {.items = store_.ItemCount(),
          .bytes = store_.WrittenBytes(),
          .limit_bytes = store_.LimitBytes(),
          .segment_bytes = shape.segment_bytes,
          .item_max_bytes = shape.item_max_bytes,
          .evicted_items = counters.evicted_items + counters.displaced_items,
          .expired_items = counters.expired_items,
          .flushed_items = counters.flushed_items};
}

}  // namespace tombolo::kvcache

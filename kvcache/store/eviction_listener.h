// EvictionListener: somebody who wants to be told of each item that a Store evicts: one that could
// still be found, and goes because there is no room.
#pragma once

#include <cstdint>
#include <string_view>

namespace tombolo::kvcache {

struct EvictedItem {
  std::string_view key;
  uint32_t value_bytes = 0;
  int64_t ttl_s = -1;  // Seconds that it had left; -1: for ever.
  bool was_fetched = false;
};

// Called by the store's thread, within the operation that makes room: it must not wait.
class EvictionListener {
 public:
  virtual ~EvictionListener() = default;

  // Asked before each; if not, Evicted() is not called.
  virtual bool Listens() const = 0;
  virtual void Evicted(const EvictedItem& item) = 0;
};

}  // namespace tombolo::kvcache

// WatchedBackend: a Backend that asks another one and counts how many values it copied.
#pragma once

#include <cstdint>
#include <string_view>

#include "kvcache/protocol/backend.h"
#include "kvcache/store/store_types.h"

namespace tombolo::kvcache {

class WatchedBackend : public Backend {
 public:
  // `items` must outlive it.
  explicit WatchedBackend(Backend& items) : items_(items) {}

  uint64_t CopiedValues() const { return copied_values_; }

  bool Get(std::string_view key, StoredValue& value, GetUse use) override {
    const bool is_hit = items_.Get(key, value, use);
    if (is_hit) ++copied_values_;
    return is_hit;
  }
  bool Describe(std::string_view key, StoredValue& value, GetUse use) override {
    return items_.Describe(key, value, use);
  }
  StoreAnswer Put(const PutRequest& request) override { return items_.Put(request); }
  StoreAnswer Count(const CountRequest& request) override { return items_.Count(request); }
  StoreAnswer Remove(const RemoveRequest& request) override { return items_.Remove(request); }
  StoreAnswer Visit(const VisitRequest& request, StoredValue& seen) override {
    const StoreAnswer answer = items_.Visit(request, seen);
    if (request.wants_value && answer.result == StoreResult::kDone) ++copied_values_;
    return answer;
  }
  void FlushAll(int64_t when) override { items_.FlushAll(when); }
  bool Fits(uint64_t key_bytes, uint64_t value_bytes) const override {
    return items_.Fits(key_bytes, value_bytes);
  }
  uint32_t NowS() override { return items_.NowS(); }
  BackendFacts Facts() const override { return items_.Facts(); }

 private:
  Backend& items_;
  uint64_t copied_values_ = 0;
};

}  // namespace tombolo::kvcache

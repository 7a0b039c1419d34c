// WatchedBackend: a Backend that asks another one, counts how many values it copied, and can be
// made to reach it no more.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "kvcache/protocol/backend.h"
#include "kvcache/store/store_types.h"

namespace tombolo::kvcache {

class WatchedBackend : public Backend {
 public:
  // `items` must outlive it.
  explicit WatchedBackend(Backend& items) : items_(items) {}

  uint64_t CopiedValues() const { return copied_values_; }

  // So many requests reach it from now on.
  void FailAfter(uint64_t requests) { left_ = requests; }

  bool Get(std::string_view key, StoredValue& value, GetUse use) override {
    const bool is_hit = Reaches() && items_.Get(key, value, use);
    if (is_hit) ++copied_values_;
    return is_hit;
  }
  bool Describe(std::string_view key, StoredValue& value, GetUse use) override {
    return Reaches() && items_.Describe(key, value, use);
  }
  StoreAnswer Put(const PutRequest& request) override {
    return Reaches() ? items_.Put(request) : StoreAnswer();
  }
  StoreAnswer Count(const CountRequest& request) override {
    return Reaches() ? items_.Count(request) : StoreAnswer();
  }
  StoreAnswer Remove(const RemoveRequest& request) override {
    return Reaches() ? items_.Remove(request) : StoreAnswer();
  }
  StoreAnswer Visit(const VisitRequest& request, StoredValue& seen) override {
    if (!Reaches()) return {};
    const StoreAnswer answer = items_.Visit(request, seen);
    if (request.wants_value && answer.result == StoreResult::kDone) ++copied_values_;
    return answer;
  }
  bool FlushAll(int64_t when) override { return Reaches() && items_.FlushAll(when); }
  bool Fits(uint64_t key_bytes, uint64_t value_bytes) override {
    return items_.Fits(key_bytes, value_bytes);
  }
  uint32_t NowS() override { return items_.NowS(); }
  BackendFacts Facts() override { return Reaches() ? items_.Facts() : BackendFacts(); }
  bool TakeFailure() override { return std::exchange(has_failed_, false); }

 private:
  bool Reaches() {
    if (left_ == 0) has_failed_ = true;
    if (left_ != 0 && left_ != UINT64_MAX) --left_;
    return !has_failed_;
  }

  Backend& items_;
  uint64_t copied_values_ = 0;
  uint64_t left_ = UINT64_MAX;
  bool has_failed_ = false;
};

}  // namespace tombolo::kvcache

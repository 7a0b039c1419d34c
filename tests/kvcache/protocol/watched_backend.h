// WatchedBackend: a Backend that asks another one, counts how many values it copied, remembers what
// it was told to expect, and can be made to reach it no more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kvcache/protocol/backend.h"
#include "kvcache/store/store_types.h"

namespace tombolo::kvcache {

class WatchedBackend : public Backend {
 public:
  // `items` must outlive it.
  explicit WatchedBackend(Backend& items) : items_(items) {}

  uint64_t CopiedValues() const { return copied_values_; }
  // Keys, in their order, and how many of them each time.
  const std::vector<std::string>& ExpectedKeys() const { return expected_keys_; }
  const std::vector<size_t>& ExpectedAtOnce() const { return expected_at_once_; }

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
  void Expect(std::span<const std::string_view> keys) override {
    expected_keys_.insert(expected_keys_.end(), keys.begin(), keys.end());
    expected_at_once_.push_back(keys.size());
    items_.Expect(keys);
  }
  bool TakeFailure() override { return std::exchange(has_failed_, false); }

 private:
  bool Reaches() {
    if (left_ == 0) has_failed_ = true;
    if (left_ != 0 && left_ != UINT64_MAX) --left_;
    return !has_failed_;
  }

  Backend& items_;
  uint64_t copied_values_ = 0;
  std::vector<std::string> expected_keys_;
  std::vector<size_t> expected_at_once_;
  uint64_t left_ = UINT64_MAX;
  bool has_failed_ = false;
};

}  // namespace tombolo::kvcache

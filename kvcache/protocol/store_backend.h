// StoreBackend: a Backend that is the store itself.
#pragma once

#include "kvcache/protocol/backend.h"
#include "kvcache/store/store.h"

namespace tombolo::kvcache {

class StoreBackend final : public Backend {
 public:
  // `store` must outlive it.
  explicit StoreBackend(Store& store) : store_(store) {}

  bool Get(std::string_view key, StoredValue& value, GetUse use) override {
    return store_.Get(key, value, use);
  }
  bool Describe(std::string_view key, StoredValue& value, GetUse use) override {
    return store_.Describe(key, value, use);
  }
  StoreAnswer Put(const PutRequest& request) override { return store_.Put(request); }
  StoreAnswer Count(const CountRequest& request) override { return store_.Count(request); }
  StoreAnswer Remove(const RemoveRequest& request) override { return store_.Remove(request); }
  StoreAnswer Visit(const VisitRequest& request, StoredValue& seen) override {
    return store_.Visit(request, seen);
  }
  bool FlushAll(int64_t when) override {
    store_.FlushAll(when);
    return true;
  }
  bool Fits(uint64_t key_bytes, uint64_t value_bytes) override {
    return store_.Fits(key_bytes, value_bytes);
  }
  uint32_t NowS() override { return store_.NowS(); }
  BackendFacts Facts() override;
  WalkStep Walk(WalkPlace& place, std::string& key, StoredValue& item) override {
    return store_.Walk(place.slot, key, item);
  }
  bool LimitMemory(uint64_t bytes) override { return store_.LimitMemory(bytes); }

 private:
  Store& store_;
};

}  // namespace tombolo::kvcache

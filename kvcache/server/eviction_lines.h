// EvictionLines: tells those who watch (WatchLog) what the stores of this process evict.
#pragma once

#include "absl/strings/str_cat.h"
#include "kvcache/protocol/encoded_key.h"
#include "kvcache/protocol/watch_log.h"
#include "kvcache/store/eviction_listener.h"

namespace tombolo::kvcache {

class EvictionLines final : public EvictionListener {
 public:
  // `log` must outlive it.
  explicit EvictionLines(WatchLog& log) : log_(log) {}

  bool Listens() const override { return log_.Wants(kWatchEvictions); }

  void Evicted(const EvictedItem& item) override {
    log_.Tell(kWatchEvictions, absl::StrCat("type=eviction key=", EncodedKey(item.key), " fetch=",
                                            item.was_fetched ? "yes" : "no", " ttl=", item.ttl_s,
                                            " la=0 clsid=1 size=", item.value_bytes));
  }

 private:
  WatchLog& log_;
};

}  // namespace tombolo::kvcache

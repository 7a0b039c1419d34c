// Memory of a shard, a clock that the test moves, an owner and a reader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "kvcache/client/reader.h"
#include "kvcache/store/store.h"
#include "tests/kvcache/shard_memory.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {

inline constexpr uint32_t kStartS = 1'700'000'000;

// Sixteen segments of 4 KiB and an index for small items.
inline StoreOptions SmallShard() {
  return {.limits = {.shard_bytes = 96 * kKiB,
                     .expected_item_bytes = 40,
                     .segment_bytes = 4 * kKiB,
                     .item_max_bytes = 4 * kKiB},
          .hash_seed = 17};
}

class ShardTest : public testing::Test {
 protected:
  explicit ShardTest(const StoreOptions& options = SmallShard())
      : options_(options), memory_(options.limits.shard_bytes) {
    reader_now_ns_ = 0;
    Reopen();
  }

  // As after the owner's death: nothing private is left.
  void Reopen() {
    store_.reset();
    auto store = Store::Open(memory_.Bytes(), options_, [this] { return now_s_; });
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    store_ = *std::move(store);
  }

  Reader AttachReader() {
    auto reader = Reader::Attach(memory_.Bytes(), [] { return reader_now_ns_; });
    EXPECT_TRUE(reader.ok()) << reader.status().ToString();
    reader->OwnerWasHeard();
    return *std::move(reader);
  }

  StoreResult Set(std::string_view key, std::string_view value) {
    return store_->Set(key, value, 0, 0).result;
  }

  // What the owner says; "(miss)".
  std::string Get(std::string_view key) {
    StoredValue value;
    return store_->Get(key, value) ? value.value : "(miss)";
  }

  // What a reader says.
  std::string Read(std::string_view key) {
    if (!reader_) reader_ = std::make_unique<Reader>(AttachReader());
    std::string value;
    const ReadResult result = reader_->Get(key, value, found_);
    if (result == ReadResult::kMiss) return "(miss)";
    return result == ReadResult::kHit ? value : "(ask)";
  }

  static inline int64_t reader_now_ns_ = 0;

  StoreOptions options_;
  ShardMemory memory_;
  uint32_t now_s_ = kStartS;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Reader> reader_;
  Found found_;
};

}  // namespace tombolo::kvcache

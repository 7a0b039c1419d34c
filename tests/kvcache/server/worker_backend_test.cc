// What sessions of several workers ask of the same shards.
#include "kvcache/server/worker_backend.h"

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "kvcache/layout/item.h"
#include "kvcache/protocol/backend.h"
#include "tests/kvcache/server/shards_fixture.h"

namespace tombolo::kvcache {
namespace {

using WorkerBackendTest = ShardsTest;

// Takes a value; whoever makes it says what happens between finding and copying it the first time.
class Target final : public ValueTarget {
 public:
  explicit Target(std::function<void()> once) : once_(std::move(once)) {}

  std::byte* RoomFor(const StoredValue& item) override {
    if (auto happens = std::exchange(once_, nullptr)) happens();
    value.resize(item.value_bytes);
    return reinterpret_cast<std::byte*>(value.data());
  }

  std::string value;

 private:
  std::function<void()> once_;
};

TEST_F(WorkerBackendTest, WhatOneStoresAllFind) {
  const auto one = MakeBackend(), other = MakeBackend();
  for (int i = 0; i < 1000; ++i) {
    const std::string key = "key:" + std::to_string(i);
    ASSERT_EQ(Set(*one, key, "value of " + key), StoreResult::kStored);
    ASSERT_EQ(Get(*other, key), "value of " + key);
  }
  EXPECT_EQ(one->Facts().items, 1000u);
}

TEST_F(WorkerBackendTest, WhatIsExpectedIsWhatItWas) {
  const auto backend = MakeBackend();
  std::vector<std::string> names;
  for (int i = 0; i < 40; ++i) names.push_back(std::to_string(i));
  for (size_t i = 0; i < names.size(); i += 2) Set(*backend, names[i], names[i]);
  const std::vector<std::string_view> keys(names.begin(), names.end());
  backend->Expect(keys);  // More than it sees to at once.
  for (size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(Get(*backend, keys[i]), i % 2 == 0 ? names[i] : "(miss)");
  }
}

TEST_F(WorkerBackendTest, AHitNeedsNoLock) {
  const auto writer = MakeBackend(), reader = MakeBackend();
  Set(*writer, "key", "value");
  Get(*reader, "key");  // The first use is the owner's to mark.
  const std::lock_guard lock(shards_->At(shards_->ShardOf("key")).mutex);
  // This would wait for ever on this thread.
  EXPECT_EQ(Get(*reader, "key"), "value");
  EXPECT_EQ(reader->LockFreeHits(), 1u);
}

TEST_F(WorkerBackendTest, AValueIsCopiedToWhereItIsWanted) {
  const auto writer = MakeBackend(), reader = MakeBackend();
  for (const unsigned size : {0u, 1u, 100u, 1000u, 10'000u}) {
    const std::string value(size, 'v');
    Set(*writer, "key", value);
    StoredValue item;
    for (int uses = 0; uses < 2; ++uses) {  // The first one by the owner.
      Target target(nullptr);
      ASSERT_TRUE(reader->GetTo("key", item, GetUse::kCounts, target));
      EXPECT_EQ(target.value, value);
      EXPECT_EQ(item.value_bytes, size);
    }
  }
  EXPECT_EQ(reader->LockFreeHits(), 5u);
}

TEST_F(WorkerBackendTest, AValueThatChangesWhileItIsCopiedIsCopiedAnew) {
  const auto writer = MakeBackend(), reader = MakeBackend();
  Set(*writer, "key", "old");
  Get(*reader, "key");
  Target target([&] { Set(*writer, "key", "a new one"); });
  StoredValue item;
  ASSERT_TRUE(reader->GetTo("key", item, GetUse::kCounts, target));
  EXPECT_EQ(target.value, "a new one");
  EXPECT_EQ(reader->LockFreeHits(), 0u);
}

TEST_F(WorkerBackendTest, AnItemThatGoesWhileItIsCopiedIsAMiss) {
  const auto writer = MakeBackend(), reader = MakeBackend();
  Set(*writer, "key", "old");
  Get(*reader, "key");
  Target target([&] { writer->Remove({.key = "key"}); });
  StoredValue item;
  EXPECT_FALSE(reader->GetTo("key", item, GetUse::kCounts, target));
}

TEST_F(WorkerBackendTest, TheFirstUseMarksTheItem) {
  const auto backend = MakeBackend();
  Set(*backend, "key", "value");
  StoredValue value;
  for (const uint16_t marks : {uint16_t{0}, kMarkFetched, kMarkFetched}) {
    ASSERT_TRUE(backend->Get("key", value, GetUse::kCounts));
    EXPECT_EQ(value.marks, marks);
  }
}

TEST_F(WorkerBackendTest, AVisitIsOfTheShardOfItsKey) {
  const auto backend = MakeBackend();
  for (int i = 0; i < 100; ++i) {
    const std::string key = std::to_string(i);
    StoredValue seen;
    EXPECT_TRUE(backend->Visit({.key = key, .makes = 100}, seen).is_new);
    EXPECT_EQ(backend->Visit({.key = key}, seen).result, StoreResult::kDone);
    EXPECT_EQ(Get(*backend, key), "");
  }
}

TEST_F(WorkerBackendTest, AFlushIsOfAllShards) {
  const auto backend = MakeBackend();
  for (int i = 0; i < 100; ++i) Set(*backend, std::to_string(i), "value");
  for (int i = 0; i < 100; ++i) Get(*backend, std::to_string(i));
  backend->FlushAll(0);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Get(*backend, std::to_string(i)), "(miss)");
}

TEST_F(WorkerBackendTest, SamplesOfHitsKeepItemsFromEviction) {
  const auto backend = MakeBackend();
  const std::string value(1000, 'v');
  Set(*backend, "wanted", value);
  for (int i = 0; i < 20'000; ++i) {
    Set(*backend, "unwanted:" + std::to_string(i), value);
    for (int hits = 0; hits < 8; ++hits) Get(*backend, "wanted");
  }
  EXPECT_EQ(Get(*backend, "wanted"), value);
  EXPECT_GT(backend->Facts().evicted_items, 10'000u);
}

TEST_F(WorkerBackendTest, ItemsOverTheLimitDoNotFit) {
  const auto backend = MakeBackend();
  EXPECT_TRUE(backend->Fits(10, 16 * kKiB - 10 - sizeof(Item)));
  EXPECT_FALSE(backend->Fits(10, 16 * kKiB));
  EXPECT_FALSE(backend->Fits(10, UINT64_MAX));
}

}  // namespace
}  // namespace tombolo::kvcache

// What each operation does, as memcached's clients expect it.
#include "kvcache/store/store.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "gtest/gtest.h"
#include "kvcache/layout/bucket.h"
#include "kvcache/layout/item.h"
#include "kvcache/shard/geometry.h"
#include "kvcache/shard/key_hash.h"
#include "tests/kvcache/shard_fixture.h"
#include "tests/kvcache/shard_memory.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

class StoreTest : public ShardTest {};

TEST_F(StoreTest, AFreshShardIsEmpty) {
  EXPECT_FALSE(store_->Report().is_warm);
  EXPECT_EQ(store_->Report().cold_reason, "the memory holds no shard.");
  EXPECT_EQ(Get("key"), "(miss)");
  EXPECT_EQ(store_->ItemCount(), 0u);
}

TEST_F(StoreTest, SetReplacesValueFlagsAndCas) {
  const StoreAnswer first = store_->Set("key", "one", 7, 0);
  const StoreAnswer second = store_->Set("key", "two", 0xffffffff, 0);
  EXPECT_EQ(second.result, StoreResult::kStored);
  EXPECT_GT(second.cas, first.cas);
  StoredValue value;
  ASSERT_TRUE(store_->Get("key", value));
  EXPECT_EQ(value.value, "two");
  EXPECT_EQ(value.flags, 0xffffffff);
  EXPECT_EQ(value.cas, second.cas);
  EXPECT_EQ(store_->ItemCount(), 1u);
}

TEST_F(StoreTest, AnEmptyValueAndAnyBytesAreValues) {
  EXPECT_EQ(Set("empty", ""), StoreResult::kStored);
  EXPECT_EQ(Get("empty"), "");
  const std::string bytes("\0\r\n\xff", 4);
  EXPECT_EQ(Set(bytes, bytes), StoreResult::kStored);
  EXPECT_EQ(Get(bytes), bytes);
}

TEST_F(StoreTest, KeysHaveOneTo250Bytes) {
  EXPECT_EQ(Set("", "x"), StoreResult::kBadKey);
  EXPECT_EQ(Set(std::string(251, 'k'), "x"), StoreResult::kBadKey);
  EXPECT_EQ(Set(std::string(250, 'k'), "x"), StoreResult::kStored);
  EXPECT_EQ(Get(std::string(250, 'k')), "x");
}

TEST_F(StoreTest, AValueOfItemMaxWithItsHeaderFitsAndNotOneByteMore) {
  const size_t most = 4 * kKiB - 24 - 3;
  EXPECT_EQ(Set("key", std::string(most, 'x')), StoreResult::kStored);
  EXPECT_EQ(Get("key"), std::string(most, 'x'));
  EXPECT_EQ(Set("key", std::string(most + 1, 'x')), StoreResult::kTooLarge);
  EXPECT_EQ(Get("key"), "(miss)") << "what was to be replaced must not be read any more";
}

TEST_F(StoreTest, AddStoresOnlyWhatIsNotThere) {
  EXPECT_EQ(store_->Add("key", "one", 0, 0).result, StoreResult::kStored);
  EXPECT_EQ(store_->Add("key", "two", 0, 0).result, StoreResult::kNotStored);
  EXPECT_EQ(Get("key"), "one");
}

TEST_F(StoreTest, ReplaceStoresOnlyWhatIsThere) {
  EXPECT_EQ(store_->Replace("key", "one", 0, 0).result, StoreResult::kNotStored);
  EXPECT_EQ(Get("key"), "(miss)");
  Set("key", "one");
  EXPECT_EQ(store_->Replace("key", "two", 0, 0).result, StoreResult::kStored);
  EXPECT_EQ(Get("key"), "two");
}

TEST_F(StoreTest, AppendAndPrependKeepFlagsAndExpiry) {
  EXPECT_EQ(store_->Append("key", "x").result, StoreResult::kNotStored);
  EXPECT_EQ(store_->Prepend("key", "x").result, StoreResult::kNotStored);
  const uint64_t cas = store_->Set("key", "middle", 5, 100).cas;
  EXPECT_EQ(store_->Append("key", "-end").result, StoreResult::kStored);
  EXPECT_GT(store_->Prepend("key", "begin-").cas, cas);
  StoredValue value;
  ASSERT_TRUE(store_->Get("key", value));
  EXPECT_EQ(value.value, "begin-middle-end");
  EXPECT_EQ(value.flags, 5u);
  EXPECT_EQ(value.expiry_s, kStartS + 100);
}

TEST_F(StoreTest, AppendingNothingChangesNothing) {
  Set("key", "value");
  EXPECT_EQ(store_->Append("key", "").result, StoreResult::kStored);
  EXPECT_EQ(store_->Prepend("key", "").result, StoreResult::kStored);
  EXPECT_EQ(Get("key"), "value");
}

TEST_F(StoreTest, CasStoresOnlyWhatNobodyChanged) {
  EXPECT_EQ(store_->Cas("key", "x", 0, 0, 1).result, StoreResult::kNotFound);
  const uint64_t cas = store_->Set("key", "one", 0, 0).cas;
  EXPECT_EQ(store_->Cas("key", "two", 0, 0, cas + 1).result, StoreResult::kExists);
  EXPECT_EQ(store_->Cas("key", "two", 0, 0, cas).result, StoreResult::kStored);
  EXPECT_EQ(store_->Cas("key", "three", 0, 0, cas).result, StoreResult::kExists);
  EXPECT_EQ(Get("key"), "two");
}

TEST_F(StoreTest, DeleteLeavesNothing) {
  EXPECT_EQ(store_->Delete("key").result, StoreResult::kNotFound);
  Set("key", "value");
  EXPECT_EQ(store_->Delete("key").result, StoreResult::kDone);
  EXPECT_EQ(Get("key"), "(miss)");
  EXPECT_EQ(store_->ItemCount(), 0u);
}

TEST_F(StoreTest, IncrWrapsAndDecrStopsAtZero) {
  EXPECT_EQ(store_->Incr("n", 1).result, StoreResult::kNotFound);
  Set("n", "10");
  EXPECT_EQ(store_->Incr("n", 95).number, 105u);
  EXPECT_EQ(Get("n"), "105");
  EXPECT_EQ(store_->Decr("n", 6).number, 99u);
  EXPECT_EQ(Get("n"), "99 ") << "filled up to the length before";
  EXPECT_EQ(store_->Decr("n", 100).number, 0u);
  EXPECT_EQ(Get("n"), "0  ");
  Set("n", "18446744073709551615");
  EXPECT_EQ(store_->Incr("n", 2).number, 1u);
}

TEST_F(StoreTest, OnlyNumbersAreCounted) {
  for (const char* value : {"", "x", "-1", "1x", "18446744073709551616"}) {
    Set("n", value);
    EXPECT_EQ(store_->Incr("n", 1).result, StoreResult::kNotANumber) << value;
    EXPECT_EQ(Get("n"), value);
  }
  Set("n", "1 2");
  EXPECT_EQ(store_->Incr("n", 1).number, 2u);
}

TEST_F(StoreTest, AnItemExpiresInTheSecondThatItSays) {
  store_->Set("relative", "x", 0, 10);
  store_->Set("absolute", "x", 0, kStartS + 10);
  store_->Set("at once", "x", 0, -1);
  store_->Set("never", "x", 0, 0);
  EXPECT_EQ(Get("at once"), "(miss)");
  now_s_ += 9;
  EXPECT_EQ(Get("relative"), "x");
  EXPECT_EQ(Get("absolute"), "x");
  ++now_s_;
  EXPECT_EQ(Get("relative"), "(miss)");
  EXPECT_EQ(Get("absolute"), "(miss)");
  EXPECT_EQ(Get("never"), "x");
  EXPECT_EQ(store_->Add("relative", "y", 0, 0).result, StoreResult::kStored);
}

TEST_F(StoreTest, TimeThatGoesBackRevivesNothing) {
  store_->Set("key", "x", 0, 10);
  now_s_ += 10;
  store_->Tick();
  now_s_ -= 5;
  EXPECT_EQ(Get("key"), "(miss)");
}

TEST_F(StoreTest, TouchChangesTheExpiryAndNotTheCas) {
  EXPECT_EQ(store_->Touch("key", 10).result, StoreResult::kNotFound);
  const uint64_t cas = store_->Set("key", "x", 3, 10).cas;
  EXPECT_EQ(store_->Touch("key", 100).result, StoreResult::kDone);
  now_s_ += 50;
  StoredValue value;
  ASSERT_TRUE(store_->Get("key", value));
  EXPECT_EQ(value.cas, cas);
  EXPECT_EQ(value.flags, 3u);
  EXPECT_EQ(store_->Touch("key", -1).result, StoreResult::kDone);
  EXPECT_EQ(Get("key"), "(miss)");
}

TEST_F(StoreTest, FlushAllForgetsWhatWasStoredBefore) {
  Set("before", "x");
  store_->FlushAll(0);
  Set("after", "x");
  EXPECT_EQ(Get("before"), "(miss)");
  EXPECT_EQ(Get("after"), "x");
}

TEST_F(StoreTest, ALaterFlushForgetsWhatIsStoredUntilThen) {
  Set("before", "x");
  store_->FlushAll(10);
  now_s_ += 9;
  Set("meanwhile", "x");
  EXPECT_EQ(Get("before"), "x");
  ++now_s_;
  EXPECT_EQ(Get("before"), "(miss)");
  EXPECT_EQ(Get("meanwhile"), "(miss)");
  Set("after", "x");
  EXPECT_EQ(Get("after"), "x");
}

TEST_F(StoreTest, ShardsSideBySideHaveNothingInCommon) {
  const size_t bytes = options_.limits.shard_bytes;
  ShardMemory memory(2 * bytes);
  const auto open = [&](size_t at) {
    auto store = Store::Open(memory.Bytes().subspan(at, bytes), options_, [] { return kStartS; });
    EXPECT_TRUE(store.ok()) << store.status().ToString();
    return *std::move(store);
  };
  auto first = open(0);
  auto second = open(bytes);
  first->Set("key", "first", 0, 0);
  second->Set("key", "second", 0, 0);
  for (int i = 0; i < 2000; ++i) second->Set("other" + std::to_string(i), "x", 0, 0);
  first = open(0);
  StoredValue value;
  ASSERT_TRUE(first->Get("key", value));
  EXPECT_EQ(value.value, "first");
  EXPECT_EQ(first->ItemCount(), 1u);
}

class EvictionTest : public ShardTest {
 protected:
  // `count` items that nobody asks for.
  void Scan(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string key = "scan" + std::to_string(scanned_++);
      ASSERT_EQ(Set(key, std::string(100, 's')), StoreResult::kStored);
    }
  }
  int scanned_ = 0;
};

TEST_F(EvictionTest, WritesNeverFailForWantOfRoom) {
  Scan(5000);
  EXPECT_GT(store_->Counters().evicted_items, 4000u);
  EXPECT_GT(store_->ItemCount(), 100u);
}

TEST_F(EvictionTest, WhatIsAskedForSurvivesAScan) {
  for (int i = 0; i < 20; ++i) Set("hot" + std::to_string(i), "value");
  for (int round = 0; round < 50; ++round) {
    Scan(50);
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(Get("hot" + std::to_string(i)), "value") << "round " << round;
    }
  }
  EXPECT_GE(store_->Counters().rewritten_items, 20u);
}

TEST_F(EvictionTest, HitMarksOfReadersCountAsAsked) {
  Set("hot", "value");
  for (int round = 0; round < 50; ++round) {
    Scan(50);
    ASSERT_EQ(Read("hot"), "value");
    store_->Touched(found_.slot);
  }
  store_->Touched(UINT64_MAX);
}

TEST_F(EvictionTest, WithoutMarksItIsEvicted) {
  Set("cold", "value");
  Scan(2500);
  EXPECT_EQ(Read("cold"), "(miss)");
}

TEST_F(EvictionTest, WhatComesBackSoonGoesToTheMainQueue) {
  Set("key", "value");
  while (Read("key") != "(miss)") Scan(1);
  Set("key", "value");
  EXPECT_EQ(store_->Counters().promoted_items, 1u);
}

TEST_F(EvictionTest, WhatIsWantedAlthoughItHasExpiredGoesToTheMainQueue) {
  store_->Set("key", "value", 0, 10);
  now_s_ += 10;
  EXPECT_EQ(Get("key"), "(miss)");
  Set("key", "value");
  EXPECT_EQ(store_->Counters().promoted_items, 1u);
  store_->FlushAll(0);
  EXPECT_EQ(Get("key"), "(miss)");
  Set("key", "value");
  EXPECT_EQ(store_->Counters().promoted_items, 1u) << "a flush tells nothing of what is wanted";
}

TEST_F(EvictionTest, ExpiredSegmentsGoFirst) {
  for (int i = 0; i < 200; ++i) store_->Set("old" + std::to_string(i), "x", 0, 10);
  Scan(150);
  now_s_ += 10;
  const uint64_t evicted = store_->Counters().evicted_items;
  Scan(100);
  EXPECT_EQ(store_->Counters().evicted_items, evicted);
  EXPECT_EQ(Get("scan0"), std::string(100, 's'));
}

class PlacementTest : public ShardTest {
 protected:
  static std::string KeyOf(uint64_t number) { return "k" + std::to_string(number); }

  // Of 32 bytes, so that the index is full before the memory is.
  void SetNext() { ASSERT_EQ(Set(KeyOf(written_++), "x"), StoreResult::kStored); }

  uint64_t SlotCount() { return store_->Geometry().shape.bucket_count * kBucketSlots; }

  // Whether it lies in its second bucket; nothing: it is not there.
  std::optional<bool> IsInItsSecond(Reader& reader, const std::string& key) {
    if (reader.Describe(key, found_) != ReadResult::kHit) return std::nullopt;
    const KeyHash hash(key, options_.hash_seed);
    return found_.slot / kBucketSlots == hash.Buckets(SlotCount() / kBucketSlots).second;
  }

  uint64_t written_ = 0;
};

TEST_F(PlacementTest, AnIndexAsFullAsItIsMadeForLosesNothing) {
  while (written_ < SlotCount() * 85 / 100) SetNext();
  EXPECT_GT(store_->Counters().moved_items, 0u);
  EXPECT_EQ(store_->Counters().displaced_items, 0u);
  EXPECT_EQ(store_->ItemCount(), written_);
  for (uint64_t i = 0; i < written_; ++i) {
    ASSERT_EQ(Read(KeyOf(i)), "x");
    ASSERT_EQ(Get(KeyOf(i)), "x");
  }
}

// Else a reader who has looked at the first bucket and not yet at the second would miss it.
TEST_F(PlacementTest, AnItemMovesToItsSecondBucketAndNeverBack) {
  Reader reader = AttachReader();
  const uint64_t live = SlotCount() * 85 / 100;
  std::map<std::string, bool> is_second;
  while (written_ < 2 * live) {
    SetNext();
    // The next owner does not know which items have moved.
    if (written_ == live) Reopen();
    if (written_ > live) store_->Delete(KeyOf(written_ - live));
    if (written_ % 50 != 0) continue;
    for (uint64_t i = written_ - std::min(written_, live); i < written_; ++i) {
      const auto seen = IsInItsSecond(reader, KeyOf(i));
      if (!seen) continue;
      ASSERT_TRUE(*seen || !is_second[KeyOf(i)]) << KeyOf(i);
      is_second[KeyOf(i)] = *seen;
    }
  }
  EXPECT_GT(store_->Counters().moved_items, 50u);
}

// With as many segments as a shard of 256 MiB has, where the layout takes 37.6 B over key and value
// and 40 are wanted.
TEST(FullShardTest, AnItemOf100BytesTakesLittleMoreThanByTheLayout) {
  ShardMemory memory(16 * kMiB);
  auto store = Store::Open(memory.Bytes(),
                           {.limits = {.expected_item_bytes = 116,
                                       .segment_bytes = 64 * kKiB,
                                       .item_max_bytes = 64 * kKiB},
                            .hash_seed = 17},
                           [] { return kStartS; });
  ASSERT_TRUE(store.ok()) << store.status().ToString();
  const std::string value(100, 'v');
  for (int i = 0; i < 300'000; ++i) {
    (*store)->Set(std::to_string(1'000'000'000'000'000 + i), value, 0, 0);
  }
  EXPECT_GT((*store)->Counters().evicted_items, 100'000u);
  const ShardShape& shape = (*store)->Geometry().shape;
  const double by_layout = static_cast<double>(ItemBytes(16, 100) * 16 * kMiB) /
                           static_cast<double>(shape.segment_count * shape.segment_bytes);
  EXPECT_LE(16.0 * kMiB / static_cast<double>((*store)->ItemCount()), by_layout + 2.4);
}

}  // namespace
}  // namespace tombolo::kvcache

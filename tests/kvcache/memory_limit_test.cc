// Less memory than there is (Store::LimitMemory), and a store that never evicts.
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "kvcache/shard/geometry.h"
#include "tests/kvcache/shard_fixture.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

constexpr size_t kValueBytes = 200;

std::string KeyOf(int number) { return "key" + std::to_string(number); }
std::string ValueOf(int number) {
  std::string value = std::to_string(number) + ":";
  return value.append(kValueBytes - value.size(), 'v');
}

StoreOptions NeverEvicts() {
  StoreOptions options = SmallShard();
  options.never_evicts = true;
  return options;
}

// Stores items until one is refused; gives how many were not.
template <typename Set>
int FillUp(int first, Set set) {
  int number = first;
  while (set(number) == StoreResult::kStored && number < 10'000) ++number;
  return number - first;
}

class NeverEvictsTest : public ShardTest {
 protected:
  NeverEvictsTest() : ShardTest(NeverEvicts()) {}

  StoreResult SetNumber(int number) { return Set(KeyOf(number), ValueOf(number)); }
  int Fill(int first = 0) {
    return FillUp(first, [this](int number) { return SetNumber(number); });
  }
  void ExpectAll(int first, int count) {
    for (int i = first; i < first + count; ++i) ASSERT_EQ(Get(KeyOf(i)), ValueOf(i)) << i;
  }
};

TEST_F(NeverEvictsTest, WhatThereIsNoRoomForIsRefusedAndAllElseStays) {
  const int count = Fill();
  // All segments but one, and what is lost at their ends.
  EXPECT_GT(count, 230);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(SetNumber(count + i), StoreResult::kNoMemory);
  ExpectAll(0, count);
  EXPECT_EQ(store_->Counters().evicted_items, 0u);
}

TEST_F(NeverEvictsTest, WhatIsWrittenAnewTakesNoMoreRoom) {
  const int count = Fill() * 3 / 4;
  Reopen();
  for (int i = count; !Get(KeyOf(i)).starts_with("("); ++i) store_->Delete(KeyOf(i));
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < count; ++i) ASSERT_EQ(SetNumber(i), StoreResult::kStored) << round;
  }
  ExpectAll(0, count);
}

TEST_F(NeverEvictsTest, DeletedItemsMakeRoomWhereverTheyLay) {
  const int count = Fill();
  for (int i = 0; i < count; i += 2) store_->Delete(KeyOf(i));
  const int more = Fill(count);
  EXPECT_GT(more, count / 3);
  ExpectAll(count, more);
  for (int i = 1; i < count; i += 2) ASSERT_EQ(Get(KeyOf(i)), ValueOf(i));
}

TEST_F(NeverEvictsTest, ExpiredItemsMakeRoomToo) {
  // One that stays lies in each segment.
  const int count = FillUp(0, [this](int number) {
    return store_->Set(KeyOf(number), ValueOf(number), 0, number % 10 == 0 ? 0 : 100).result;
  });
  EXPECT_EQ(SetNumber(count), StoreResult::kNoMemory);
  now_s_ += 101;
  const int more = Fill(count);
  EXPECT_GT(more, count / 2);
  ExpectAll(count, more);
  for (int i = 0; i < count; i += 10) ASSERT_EQ(Get(KeyOf(i)), ValueOf(i));
}

TEST_F(NeverEvictsTest, AFullIndexRefusesTooAndLosesNothing) {
  int count = 0;
  while (Set(KeyOf(count), "") == StoreResult::kStored) ++count;
  EXPECT_GT(count, 1000);
  for (int i = 0; i < count; ++i) ASSERT_EQ(Get(KeyOf(i)), "") << i;
  EXPECT_EQ(store_->Counters().displaced_items, 0u);
}

class MemoryLimitTest : public ShardTest {
 protected:
  void Fill() {
    for (int i = 0; i < 1000; ++i) Set(KeyOf(i), ValueOf(i));
  }
  uint64_t ShardBytes() const { return store_->Geometry().end.bytes; }
  // Whatever is given up means nothing any more.
  uint64_t TakeGivenUp() {
    uint64_t bytes = 0;
    for (const std::span<std::byte> part : store_->TakeGivenUp()) {
      memset(part.data(), 0xee, part.size());
      bytes += part.size();
    }
    return bytes;
  }
  // All that is found must be right.
  int CountFound() {
    int found = 0;
    for (int i = 0; i < 1000; ++i) {
      const std::string value = Get(KeyOf(i));
      EXPECT_EQ(Read(KeyOf(i)), value);
      if (value == "(miss)") continue;
      EXPECT_EQ(value, ValueOf(i));
      ++found;
    }
    return found;
  }
};

TEST_F(MemoryLimitTest, WhatIsOverItGoesAndTheBytesAreGivenUp) {
  const uint64_t segment_bytes = options_.limits.segment_bytes;
  const uint64_t whole_bytes = store_->LimitBytes();
  Fill();
  const int before = CountFound();
  ASSERT_TRUE(store_->LimitMemory(ShardBytes() - 8 * segment_bytes));
  EXPECT_EQ(store_->LimitBytes(), whole_bytes - 8 * segment_bytes);
  uint64_t given_up = 0;
  for (int tick = 0; tick < 10; ++tick) {
    store_->Tick();
    given_up += TakeGivenUp();
    CountFound();
  }
  EXPECT_EQ(given_up, 8 * segment_bytes);
  const int after = CountFound();
  EXPECT_GT(after, before / 4);
  EXPECT_LT(after, before * 3 / 4);
  Fill();
  EXPECT_LT(CountFound(), before * 3 / 4) << "filled beyond its limit";
  ASSERT_TRUE(store_->LimitMemory(options_.limits.shard_bytes));
  EXPECT_EQ(store_->LimitBytes(), whole_bytes);
  Fill();
  EXPECT_GT(CountFound(), before * 9 / 10);
}

TEST_F(MemoryLimitTest, TheNextOwnerKnowsNothingOfIt) {
  Fill();
  const uint64_t whole_bytes = store_->LimitBytes();
  ASSERT_TRUE(store_->LimitMemory(options_.limits.shard_bytes / 2));
  for (int tick = 0; tick < 10; ++tick) store_->Tick();
  TakeGivenUp();
  const int found = CountFound();
  Reopen();
  EXPECT_TRUE(store_->Report().is_warm);
  EXPECT_EQ(store_->LimitBytes(), whole_bytes);
  EXPECT_EQ(CountFound(), found);
}

TEST_F(MemoryLimitTest, WhatCannotBeIsRefused) {
  EXPECT_FALSE(store_->LimitMemory(0));
  const uint64_t segment_bytes = options_.limits.segment_bytes;
  const uint64_t spare = store_->LimitBytes() - kMinSegments * segment_bytes;
  EXPECT_FALSE(store_->LimitMemory(ShardBytes() - spare - 1));
  EXPECT_TRUE(store_->LimitMemory(ShardBytes() - spare));
  EXPECT_FALSE(store_->LimitMemory(ShardBytes() + 2 * segment_bytes));
}

class WalkTest : public ShardTest {};

TEST_F(WalkTest, MeetsEveryItemThatMayBeHadOnce) {
  for (int i = 0; i < 100; ++i) store_->Set(KeyOf(i), ValueOf(i), /*flags=*/7, i < 10 ? 5 : 0);
  for (int i = 10; i < 20; ++i) store_->Delete(KeyOf(i));
  now_s_ += 5;
  std::multiset<std::string> keys;
  uint64_t slot = 0;
  std::string key;
  StoredValue item;
  for (WalkStep step; (step = store_->Walk(slot, key, item)) != WalkStep::kEnd;) {
    if (step != WalkStep::kItem) continue;
    keys.insert(key);
    EXPECT_EQ(item.value_bytes, kValueBytes);
    EXPECT_EQ(item.flags, 7u);
  }
  EXPECT_EQ(keys.size(), 80u);
  for (int i = 20; i < 100; ++i) EXPECT_EQ(keys.count(KeyOf(i)), 1u) << i;
}

}  // namespace
}  // namespace tombolo::kvcache

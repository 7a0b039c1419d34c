// What only the long forms of the operations can ask for: CAS numbers, marks, expiry in place; and
// numbers as memcached reads them.
#include "gtest/gtest.h"
#include "kvcache/layout/item.h"
#include "kvcache/store/numbers.h"
#include "kvcache/store/store.h"
#include "kvcache/store/store_types.h"
#include "tests/kvcache/shard_fixture.h"

namespace tombolo::kvcache {
namespace {

class StoreRequestsTest : public ShardTest {
 protected:
  StoredValue Peek(std::string_view key) {
    StoredValue value;
    EXPECT_TRUE(store_->Get(key, value, GetUse::kPeeks)) << key;
    return value;
  }
};

TEST_F(StoreRequestsTest, MarksAreStoredWithAnItemAndGoWithItsValue) {
  store_->Put({.key = "key", .value = "1", .marks = kMarkBinaryKey});
  EXPECT_EQ(Peek("key").marks, kMarkBinaryKey);
  Set("key", "2");
  EXPECT_EQ(Peek("key").marks, 0);
}

TEST_F(StoreRequestsTest, OnlyAGetThatCountsMarksAnItemAsFetched) {
  Set("key", "1");
  EXPECT_EQ(Peek("key").marks, 0);
  StoredValue value;
  ASSERT_TRUE(store_->Get("key", value));
  EXPECT_EQ(value.marks, 0) << "as it was before";
  EXPECT_EQ(Peek("key").marks, kMarkFetched);
  EXPECT_EQ(Read("key"), "1");
}

TEST_F(StoreRequestsTest, AVisitTellsOfTheTimeBeforeAndKeepsTheCasNumber) {
  const uint64_t cas = store_->Set("key", "1", 7, 0).cas;
  StoredValue seen;
  const StoreAnswer answer =
      store_->Visit({.key = "key", .use = GetUse::kCounts, .exptime = 10}, seen);
  EXPECT_EQ(answer.result, StoreResult::kDone);
  EXPECT_EQ(answer.cas, cas);
  EXPECT_EQ(seen.value, "1");
  EXPECT_EQ(seen.expiry_s, 0u);
  EXPECT_EQ(seen.marks, 0);
  const StoredValue after = Peek("key");
  EXPECT_EQ(after.expiry_s, kStartS + 10);
  EXPECT_EQ(after.flags, 7u);
  EXPECT_EQ(after.marks, kMarkFetched);
  EXPECT_EQ(after.cas, cas);
  EXPECT_EQ(store_->Visit({.key = "nothing"}, seen).result, StoreResult::kNotFound);
}

TEST_F(StoreRequestsTest, AVisitNeedNotCopyTheValue) {
  Set("key", "12345");
  StoredValue seen;
  store_->Visit({.key = "key", .wants_value = false}, seen);
  EXPECT_EQ(seen.value, "");
  EXPECT_EQ(seen.value_bytes, 5u);
}

TEST_F(StoreRequestsTest, AnItemIsWonOnce) {
  StoredValue seen;
  store_->Set("key", "1", 0, 20);
  const VisitRequest soon{.key = "key", .wins_before = 30};
  EXPECT_FALSE(store_->Visit({.key = "key", .wins_stale = true}, seen).is_won);
  EXPECT_FALSE(store_->Visit({.key = "key", .wins_before = 20}, seen).is_won);
  EXPECT_TRUE(store_->Visit(soon, seen).is_won);
  EXPECT_FALSE(store_->Visit(soon, seen).is_won);
  EXPECT_EQ(seen.marks, kMarkWon);
  store_->Remove({.key = "key", .leaves_stale = true});
  EXPECT_TRUE(store_->Visit({.key = "key", .wins_stale = true}, seen).is_won);
}

TEST_F(StoreRequestsTest, WhatNeverExpiresIsWonByItsNewExpiryOnly) {
  Set("key", "1");
  StoredValue seen;
  EXPECT_FALSE(store_->Visit({.key = "key", .exptime = 0, .wins_before = 30}, seen).is_won);
  EXPECT_FALSE(store_->Visit({.key = "key", .exptime = 20, .wins_before = 30}, seen).is_won);
  Set("key", "1");
  const VisitRequest of_new{.key = "key", .exptime = 20, .wins_before = 30, .compares_new = true};
  EXPECT_TRUE(store_->Visit(of_new, seen).is_won);
}

TEST_F(StoreRequestsTest, AVisitMayMakeWhatIsNotThere) {
  StoredValue seen;
  const VisitRequest request{.key = "key", .makes = 30, .new_marks = kMarkFetched};
  const StoreAnswer answer = store_->Visit(request, seen);
  EXPECT_TRUE(answer.is_new && answer.is_won);
  EXPECT_EQ(seen.cas, answer.cas);
  EXPECT_EQ(Peek("key").marks, kMarkWon | kMarkFetched);
  EXPECT_EQ(Peek("key").expiry_s, kStartS + 30);
  const StoreAnswer again = store_->Visit(request, seen);
  EXPECT_FALSE(again.is_new || again.is_won);
}

TEST_F(StoreRequestsTest, ACounterMayBeMadeAndGetAnotherExpiry) {
  const CountRequest request{
      .key = "key", .delta = 2, .exptime = 50, .initial = 40, .initial_exptime = 10};
  const StoreAnswer made = store_->Count(request);
  EXPECT_TRUE(made.is_new);
  EXPECT_EQ(made.number, 40u);
  EXPECT_EQ(Peek("key").expiry_s, kStartS + 10);
  const StoreAnswer counted = store_->Count(request);
  EXPECT_FALSE(counted.is_new);
  EXPECT_EQ(counted.number, 42u);
  EXPECT_EQ(counted.expiry_s, kStartS + 10) << "the one before";
  EXPECT_EQ(Peek("key").expiry_s, kStartS + 50);
}

TEST_F(StoreRequestsTest, MarksOutliveTheOwner) {
  store_->Put({.key = "key", .value = "1", .marks = kMarkStale});
  Reopen();
  EXPECT_TRUE(store_->Report().is_warm);
  EXPECT_EQ(Peek("key").marks, kMarkStale);
}

TEST_F(StoreRequestsTest, AnItemLeftStaleHasANewCasNumberAndMayBeWonAgain) {
  const uint64_t cas =
      store_->Put({.key = "key", .value = "old", .flags = 3, .marks = kMarkWon}).cas;
  EXPECT_EQ(store_->Remove({.key = "key", .cas = cas + 1, .leaves_stale = true}).result,
            StoreResult::kExists);
  EXPECT_EQ(store_->Remove({.key = "key", .cas = cas, .leaves_stale = true, .exptime = 30}).result,
            StoreResult::kDone);
  const StoredValue value = Peek("key");
  EXPECT_EQ(value.value, "old");
  EXPECT_EQ(value.flags, 3u);
  EXPECT_EQ(value.marks, kMarkStale);
  EXPECT_EQ(value.expiry_s, kStartS + 30);
  EXPECT_GT(value.cas, cas);
}

TEST_F(StoreRequestsTest, AnOlderCasNumberIsTakenOnlyOnRequestAndStaysStale) {
  const uint64_t old = store_->Set("key", "1", 0, 0).cas;
  const uint64_t now = store_->Set("key", "2", 0, 50).cas;
  PutRequest put{.mode = PutMode::kCas, .key = "key", .value = "3", .cas = old};
  EXPECT_EQ(store_->Put(put).result, StoreResult::kExists);
  put.takes_older = true;
  put.cas = now + 1;
  EXPECT_EQ(store_->Put(put).result, StoreResult::kExists);
  put.cas = old;
  EXPECT_EQ(store_->Put(put).result, StoreResult::kStored);
  EXPECT_EQ(Peek("key").value, "3");
  EXPECT_EQ(Peek("key").marks, kMarkStale);
  EXPECT_EQ(Peek("key").expiry_s, kStartS + 50);
}

TEST_F(StoreRequestsTest, AppendCountAndRemoveLookAtTheCasNumber) {
  const uint64_t cas = store_->Set("key", "1", 0, 0).cas;
  EXPECT_EQ(
      store_->Put({.mode = PutMode::kAppend, .key = "key", .value = "2", .cas = cas + 1}).result,
      StoreResult::kExists);
  EXPECT_EQ(store_->Count({.key = "key", .cas = cas + 1}).result, StoreResult::kExists);
  EXPECT_EQ(store_->Remove({.key = "key", .cas = cas + 1}).result, StoreResult::kExists);
  EXPECT_EQ(store_->Count({.key = "key", .cas = cas}).number, 2u);
}

TEST_F(StoreRequestsTest, ANumberKeepsItsMarksWhileItDoesNotGetLonger) {
  store_->Put({.key = "key", .value = "8", .marks = kMarkStale});
  store_->Incr("key", 1);
  EXPECT_EQ(Peek("key").marks, kMarkStale);
  store_->Incr("key", 1);
  EXPECT_EQ(Peek("key").marks, 0);
}

TEST_F(StoreRequestsTest, WhatIsTooLongIsNoNumber) {
  Set("key", "7" + std::string(kMaxNumberBytes - 1, ' '));
  EXPECT_EQ(store_->Incr("key", 1).number, 8u);
  Set("key", "7" + std::string(kMaxNumberBytes, ' '));
  EXPECT_EQ(store_->Incr("key", 1).result, StoreResult::kNotANumber);
  EXPECT_EQ(store_->Count({.key = "key", .cas = 1}).result, StoreResult::kExists);
}

TEST_F(StoreRequestsTest, AnItemIsDescribedWithoutItsValue) {
  Set("key", "123");
  StoredValue item{.value = "before"};
  ASSERT_TRUE(store_->Describe("key", item));
  EXPECT_EQ(item.value, "");
  EXPECT_EQ(item.value_bytes, 3u);
  EXPECT_EQ(Peek("key").marks, kMarkFetched);
  EXPECT_EQ(Peek("key").value_bytes, 3u);
  EXPECT_FALSE(store_->Describe("nothing", item));
}

TEST_F(StoreRequestsTest, WhatIsFoundTooLateIsCounted) {
  Set("flushed", "1");
  store_->FlushAll(0);
  store_->Set("expired", "1", 0, -1);
  EXPECT_EQ(Get("flushed"), "(miss)");
  EXPECT_EQ(Get("expired"), "(miss)");
  EXPECT_EQ(store_->Counters().flushed_items, 1u);
  EXPECT_EQ(store_->Counters().expired_items, 1u);
}

TEST(NumbersTest, EndAtABlankAndNowhereElse) {
  EXPECT_EQ(UnsignedIn("7"), 7u);
  EXPECT_EQ(UnsignedIn(" +7 8"), 7u);
  EXPECT_EQ(UnsignedIn("7x"), std::nullopt);
  EXPECT_EQ(UnsignedIn(""), std::nullopt);
  EXPECT_EQ(UnsignedIn("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(UnsignedIn("18446744073709551616"), std::nullopt);
}

TEST(NumbersTest, EndWithTheirTextAndAtAZero) {
  EXPECT_EQ(UnsignedIn(std::string_view("123").substr(0, 2)), 12u);
  EXPECT_EQ(UnsignedIn(std::string_view("5\0a", 3)), 5u);
  EXPECT_EQ(UnsignedIn(std::string_view("\0005", 2)), std::nullopt);
  EXPECT_EQ(UnsignedIn("\t\n\v\f\r 8\r\n"), 8u);
}

TEST(NumbersTest, HaveOneSignAtMost) {
  for (const char* text : {"-", "+", "--5", "++5", "-+5", "+-5", "- 5", "", " "}) {
    EXPECT_EQ(UnsignedIn(text), std::nullopt) << text;
    EXPECT_EQ(Signed32In(text), std::nullopt) << text;
  }
  EXPECT_EQ(UnsignedIn("-0"), 0u);
  EXPECT_EQ(Signed32In("+7"), 7);
}

TEST(NumbersTest, NegativeOnesAreUnsignedOnlyWhenTheyComeOutPositive) {
  EXPECT_EQ(UnsignedIn("-1"), std::nullopt);
  EXPECT_EQ(UnsignedIn("-9223372036854775808"), std::nullopt);
  EXPECT_EQ(UnsignedIn("-9223372036854775809"), uint64_t{INT64_MAX});
  EXPECT_EQ(UnsignedIn("-18446744073709551615"), 1u);
  EXPECT_EQ(Signed32In("-1"), -1);
}

TEST(NumbersTest, LargeOnesHaveNoMinusAnywhere) {
  EXPECT_EQ(UnsignedIn("18446744073709551615\r-"), std::nullopt);
  EXPECT_EQ(UnsignedIn("9223372036854775808 x-"), std::nullopt);
  EXPECT_EQ(UnsignedIn("9223372036854775807\t-"), uint64_t{INT64_MAX});
  EXPECT_EQ(UnsignedIn(std::string_view("9223372036854775808\0-", 21)), uint64_t{INT64_MAX} + 1);
}

TEST(NumbersTest, NumbersOf32BitsAreCut) {
  EXPECT_EQ(Unsigned32In("4294967297"), 1u);
  EXPECT_EQ(Signed32In("2147483648"), INT32_MIN);
  EXPECT_EQ(Signed32In("9223372036854775808"), std::nullopt);
  EXPECT_EQ(Signed32In("-9223372036854775808"), 0);
  EXPECT_EQ(Signed32In("-9223372036854775809"), std::nullopt);
}

}  // namespace
}  // namespace tombolo::kvcache

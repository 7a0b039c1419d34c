// A reader beside its owner, one after the other.
#include "kvcache/client/reader.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "kvcache/layout/superblock.h"
#include "kvcache/shard/geometry.h"
#include "tests/kvcache/shard_fixture.h"
#include "transport/base/unique_fd.h"

namespace tombolo::kvcache {
namespace {

class ReaderTest : public ShardTest {
 protected:
  std::string Text(const View& view) {
    return {reinterpret_cast<const char*>(view.value.data()), view.value.size()};
  }
};

TEST_F(ReaderTest, ReadsWhatWasStored) {
  const StoreAnswer stored = store_->Set("key", "value", 9, 100);
  EXPECT_EQ(Read("key"), "value");
  EXPECT_EQ(found_.value_bytes, 5u);
  EXPECT_EQ(found_.flags, 9u);
  EXPECT_EQ(found_.cas, stored.cas);
  EXPECT_EQ(found_.expiry_s, kStartS + 100);
  EXPECT_EQ(reader_->Counters().hits, 1u);
}

TEST_F(ReaderTest, ReadsKeysAndValuesOfEveryLength) {
  for (size_t length = 1; length <= kMaxKeyBytes; ++length) {
    const std::string key(length, 'k');
    std::string value;
    for (size_t i = 0; i < length; ++i) value.push_back(static_cast<char>(length + i));
    Set(key, value);
    ASSERT_EQ(Read(key), value);
  }
}

TEST_F(ReaderTest, MissesWhatIsNotThereAndKeysThatCannotBe) {
  EXPECT_EQ(Read("key"), "(miss)");
  EXPECT_EQ(Read(""), "(miss)");
  EXPECT_EQ(Read(std::string(251, 'k')), "(miss)");
  EXPECT_EQ(reader_->Counters().misses, 1u);
}

TEST_F(ReaderTest, SeesDeletesExpiriesTouchesAndFlushes) {
  Set("deleted", "x");
  store_->Delete("deleted");
  store_->Set("expired", "x", 0, 10);
  store_->Set("touched", "x", 0, 10);
  store_->Touch("touched", 100);
  Set("flushed", "x");
  now_s_ += 10;
  store_->Tick();
  EXPECT_EQ(Read("deleted"), "(miss)");
  EXPECT_EQ(Read("expired"), "(miss)");
  EXPECT_EQ(Read("touched"), "x");
  EXPECT_EQ(Read("flushed"), "x");
  store_->FlushAll(0);
  EXPECT_EQ(Read("flushed"), "(miss)");
}

TEST_F(ReaderTest, ABufferThatIsTooSmallIsToldHowMuchItTakes) {
  Set("key", "value");
  Reader reader = AttachReader();
  std::array<std::byte, 5> buffer{};
  Found found;
  EXPECT_EQ(reader.Get("key", std::span(buffer).first(4), found), ReadResult::kTooSmall);
  EXPECT_EQ(found.value_bytes, 5u);
  EXPECT_EQ(buffer[0], std::byte{0});
  EXPECT_EQ(reader.Get("key", buffer, found), ReadResult::kHit);
  EXPECT_EQ(memcmp(buffer.data(), "value", 5), 0);
}

TEST_F(ReaderTest, ManyAtOnceAreAsManyOneByOne) {
  std::vector<std::string> names;
  for (int i = 0; i < 50; ++i) names.push_back("key" + std::to_string(i));
  for (size_t i = 0; i < 50; i += 2) Set(names[i], "value" + std::to_string(i));
  const std::vector<std::string_view> keys(names.begin(), names.end());
  std::vector<ManyAnswer> answers(keys.size());
  Reader reader = AttachReader();
  reader.GetMany(keys, answers);
  for (size_t i = 0; i < 50; ++i) {
    ASSERT_EQ(answers[i].result, i % 2 == 0 ? ReadResult::kHit : ReadResult::kMiss);
    ASSERT_EQ(answers[i].value, i % 2 == 0 ? "value" + std::to_string(i) : "");
  }
}

TEST_F(ReaderTest, WhatBecameOfAKeyAfterItsHintIsReadAllTheSame) {
  Set("key", "value");
  Reader reader = AttachReader();
  std::string value;
  const auto get = [&](const Reader::Hint& hint) { return reader.Get("key", hint, value, found_); };
  Reader::Hint hint = reader.PrefetchBuckets("key");
  reader.PrefetchItem(hint);
  EXPECT_NE(hint.slots, 0u);
  ASSERT_EQ(get(hint), ReadResult::kHit);
  EXPECT_EQ(value, "value");
  Set("key", "next");
  ASSERT_EQ(get(hint), ReadResult::kHit);
  EXPECT_EQ(value, "next");
  store_->Delete("key");
  EXPECT_EQ(get(hint), ReadResult::kMiss);
  Set("key", "again");
  // Its slot is one that the hint does not know of.
  hint.slots = ~hint.slots & 0xffff;
  ASSERT_EQ(get(hint), ReadResult::kHit);
  EXPECT_EQ(value, "again");
  // Another shard, whose hash has another seed.
  options_.limits.segment_bytes = 8 * kKiB;
  options_.hash_seed = 18;
  Reopen();
  EXPECT_EQ(get(hint), ReadResult::kMiss);
  Set("key", "other shard");
  ASSERT_EQ(get(hint), ReadResult::kHit);
  EXPECT_EQ(value, "other shard");
}

TEST_F(ReaderTest, AViewIsValidUntilItsItemIsReplaced) {
  Set("key", "value");
  Reader reader = AttachReader();
  View view;
  ASSERT_EQ(reader.Look("key", view), ReadResult::kHit);
  EXPECT_EQ(Text(view), "value");
  Set("other", "x");
  EXPECT_TRUE(reader.StillValid(view));
  Set("key", "next");
  EXPECT_FALSE(reader.StillValid(view));
}

TEST_F(ReaderTest, AViewIsNotValidAfterTheShardWasFormatted) {
  Set("key", "value");
  Reader reader = AttachReader();
  View view;
  ASSERT_EQ(reader.Look("key", view), ReadResult::kHit);
  options_.limits.segment_bytes = 8 * kKiB;
  Reopen();
  EXPECT_FALSE(reader.StillValid(view));
}

// Where others can write it, the epoch may come back and the shape not: then the view's segment may
// lie behind what the reader takes for the shard.
TEST_F(ReaderTest, AViewOfASegmentThatItsShardNoLongerHasIsNotValid) {
  for (int i = 0; i < 6; ++i) Set("key" + std::to_string(i), std::string(3000, 'v'));
  Reader reader = AttachReader();
  View view;
  ASSERT_EQ(reader.Look("key5", view), ReadResult::kHit);
  ASSERT_GE(view.token.segment, kMinSegments);
  EXPECT_TRUE(reader.StillValid(view));
  auto* superblock = reinterpret_cast<Superblock*>(memory_.Bytes().data());
  superblock->segment_count.store(kMinSegments, std::memory_order_relaxed);
  for (const uint64_t epoch : {view.token.epoch + 1, view.token.epoch}) {
    superblock->epoch.store(epoch, std::memory_order_relaxed);
    EXPECT_EQ(reader.Describe("key5", view.found), ReadResult::kMiss);
  }
  EXPECT_EQ(reader.Counters().reattached, 2u);
  EXPECT_FALSE(reader.StillValid(view));
}

TEST_F(ReaderTest, TheOwnerIsGoneWhenItsHeartbeatStandsStill) {
  Set("key", "value");
  Reader reader = AttachReader();
  Found found;
  std::string value;
  reader_now_ns_ = kOwnerStaleNs;
  EXPECT_EQ(reader.Get("key", value, found), ReadResult::kHit);
  ++reader_now_ns_;
  EXPECT_EQ(reader.Get("key", value, found), ReadResult::kOwnerGone);
  EXPECT_EQ(reader.Get("no key", value, found), ReadResult::kOwnerGone);
  store_->Tick();
  EXPECT_EQ(reader.Get("key", value, found), ReadResult::kHit);
}

TEST_F(ReaderTest, ManyAtOnceAreOfALivingOwnerOrOfNone) {
  Set("key", "value");
  Reader reader = AttachReader();
  const std::string too_long(kMaxKeyBytes + 1, 'k');
  const std::vector<std::string_view> keys = {"key", "", "no key", too_long};
  std::vector<ManyAnswer> answers(keys.size());
  const auto results = [&] {
    reader.GetMany(keys, answers);
    std::vector<ReadResult> all;
    for (const ManyAnswer& answer : answers) all.push_back(answer.result);
    return all;
  };
  const auto hit = ReadResult::kHit, miss = ReadResult::kMiss, gone = ReadResult::kOwnerGone;
  EXPECT_EQ(results(), (std::vector{hit, miss, miss, miss}));
  reader_now_ns_ = kOwnerStaleNs + 1;
  EXPECT_EQ(results(), (std::vector{gone, miss, gone, miss}));
  EXPECT_EQ(reader.Counters().hits, 1u);
  EXPECT_EQ(reader.Counters().misses, 1u);
}

// Whoever sleeps between both must not take what is there by then for proven by the time of before.
TEST_F(ReaderTest, TheClockIsReadAfterTheItems) {
  Set("key", "value");
  static Store* store;
  store = store_.get();
  auto reader = Reader::Attach(memory_.Bytes(), [] {
    store->Delete("key");
    return int64_t{0};
  });
  for (const bool is_many : {true, false}) {
    Set("key", "value");
    reader->OwnerWasHeard();
    Set("key", "value");
    ManyAnswer answer;
    const std::string_view key = "key";
    if (is_many) {
      reader->GetMany({&key, 1}, {&answer, 1});
    } else {
      answer.result = reader->Get(key, answer.value, answer.found);
    }
    EXPECT_EQ(answer.result, ReadResult::kHit);
    EXPECT_EQ(Get("key"), "(miss)");
  }
}

// As when it was killed long ago.
TEST_F(ReaderTest, ABeatThatChangedWhileNobodyLookedProvesNothing) {
  Set("key", "value");
  EXPECT_EQ(Read("key"), "value");
  store_->Tick();
  reader_now_ns_ += 3'600 * kOwnerStaleNs;
  EXPECT_EQ(Read("key"), "(ask)");
  reader_now_ns_ += kOwnerStaleNs;
  EXPECT_EQ(Read("key"), "(ask)");
  store_->Tick();
  EXPECT_EQ(Read("key"), "value");
}

TEST_F(ReaderTest, WhoHasJustComeWaitsForABeat) {
  Set("key", "value");
  auto reader = Reader::Attach(memory_.Bytes(), [] { return reader_now_ns_; });
  ASSERT_TRUE(reader.ok());
  EXPECT_FALSE(reader->OwnerIsAlive());
  store_->Tick();
  EXPECT_TRUE(reader->OwnerIsAlive());
}

TEST_F(ReaderTest, AnOwnerWhoIsHeardButDoesNotTickIsBelievedOnce) {
  Reader reader = AttachReader();
  EXPECT_TRUE(reader.OwnerIsAlive());
  reader_now_ns_ += kOwnerStaleNs + 1;
  reader.OwnerWasHeard();
  EXPECT_FALSE(reader.OwnerIsAlive());
  reader_now_ns_ += kOwnerStaleNs + 1;
  store_->Tick();
  EXPECT_FALSE(reader.OwnerIsAlive());
  reader.OwnerWasHeard();
  EXPECT_TRUE(reader.OwnerIsAlive());
}

TEST_F(ReaderTest, GoesOnAfterTheOwnerCameBack) {
  Set("key", "value");
  Reader reader = AttachReader();
  Reopen();
  Found found;
  std::string value;
  EXPECT_EQ(reader.Get("key", value, found), ReadResult::kHit);
  EXPECT_EQ(reader.Counters().reattached, 1u);
}

TEST_F(ReaderTest, FollowsAShardThatIsFormattedInAnotherShape) {
  Set("key", "value");
  EXPECT_EQ(Read("key"), "value");
  options_.limits.segment_bytes = 8 * kKiB;
  options_.hash_seed = 18;
  Reopen();
  EXPECT_EQ(Read("key"), "(miss)");
  Set("key", "value");
  EXPECT_EQ(Read("key"), "value");
}

TEST_F(ReaderTest, AsksTheOwnerWhileAShardIsBeingFormatted) {
  Set("key", "value");
  EXPECT_EQ(Read("key"), "value");
  auto* superblock = reinterpret_cast<Superblock*>(memory_.Bytes().data());
  superblock->magic.store(0, std::memory_order_relaxed);
  superblock->epoch.store(77, std::memory_order_relaxed);
  EXPECT_EQ(Read("key"), "(ask)");
  EXPECT_EQ(reader_->Counters().fallbacks, 1u);
}

TEST_F(ReaderTest, DoesNotAttachToWhatIsNoShard) {
  ShardMemory memory(8 * kKiB);
  EXPECT_EQ(Reader::Attach(memory.Bytes()).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(Reader::Attach(memory.Bytes().first(64)).ok());
  EXPECT_FALSE(Reader::Attach(memory_.Bytes().first(16 * kKiB)).ok()) << "cut off";
  auto* superblock = reinterpret_cast<Superblock*>(memory_.Bytes().data());
  superblock->layout_version.store(kShardLayoutVersion + 1, std::memory_order_relaxed);
  EXPECT_EQ(Reader::Attach(memory_.Bytes()).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(ReaderTest, ASlotOfAnotherGenerationIsReadAtMostNineTimes) {
  Set("key", "value");
  EXPECT_EQ(Read("key"), "value");
  // As if the segment had been recycled and the slot forgotten.
  const Shard shard(memory_.Bytes(), store_->Geometry());
  for (uint32_t i = 0; i < shard.Shape().segment_count; ++i) {
    shard.HeaderOf(i).generation.store(99, std::memory_order_relaxed);
  }
  EXPECT_EQ(Read("key"), "(ask)");
  EXPECT_EQ(reader_->Counters().retries, uint64_t{kMaxAttempts});
}

// Any store of the reader's would end the process.
TEST_F(ReaderTest, AMappingForReadingIsEnough) {
  const size_t bytes = memory_.Bytes().size();
  const UniqueFd file(memfd_create("shard", MFD_CLOEXEC));
  ASSERT_EQ(ftruncate(file.Get(), static_cast<off_t>(bytes)), 0);
  void* writable = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.Get(), 0);
  void* readable = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file.Get(), 0);
  ASSERT_NE(writable, MAP_FAILED);
  ASSERT_NE(readable, MAP_FAILED);
  {
    auto store =
        Store::Open({static_cast<std::byte*>(writable), bytes}, options_, [] { return 1u; });
    ASSERT_TRUE(store.ok());
    auto reader = Reader::Attach({static_cast<const std::byte*>(readable), bytes});
    ASSERT_TRUE(reader.ok());
    reader->OwnerWasHeard();
    (*store)->Set("key", "value", 0, 0);
    std::vector<ManyAnswer> answers(2);
    reader->GetMany(std::vector<std::string_view>{"key", "no key"}, answers);
    EXPECT_EQ(answers[0].value, "value");
    EXPECT_EQ(answers[1].result, ReadResult::kMiss);
    View view;
    EXPECT_EQ(reader->Look("key", view), ReadResult::kHit);
    EXPECT_TRUE(reader->StillValid(view));
  }
  munmap(writable, bytes);
  munmap(readable, bytes);
}

}  // namespace
}  // namespace tombolo::kvcache

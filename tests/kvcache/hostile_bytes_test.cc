// Somebody writes random bytes over the whole shard, all the time, while its owner works and is
// opened again and a reader reads: nobody crashes, hangs or leaves the memory (which
// AddressSanitizer sees), and when the bytes are quiet again the shard works.
#include <atomic>
#include <random>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "kvcache/client/reader.h"
#include "kvcache/store/store.h"
#include "tests/kvcache/shard_fixture.h"
#include "transport/layout/shared_word.h"

namespace tombolo::kvcache {
namespace {

class HostileBytesTest : public ShardTest {
 protected:
  // A word that is random, or one that was valid and is now a little different.
  void ScribbleOnce(std::minstd_rand& random) {
    const std::span<std::byte> bytes = memory_.Bytes();
    const size_t words = bytes.size() / sizeof(uint64_t);
    // Half of it where a few words decide the most.
    const size_t within = random() % 2 == 0 ? words : 512 + 64 * 8;
    const size_t index = random() % std::min(words, within);
    auto* word = reinterpret_cast<SharedU64*>(bytes.data()) + index;
    const uint64_t before = word->load(std::memory_order_relaxed);
    const uint64_t noise = uint64_t{random()} << 33 ^ random();
    const uint64_t flip = uint64_t{1} << random() % 64;
    word->store(random() % 2 == 0 ? noise : before ^ flip, std::memory_order_relaxed);
  }

  void Scribble() {
    std::minstd_rand random(3);
    while (!is_over_.load(std::memory_order_relaxed)) {
      for (int i = 0; i < 8; ++i) ScribbleOnce(random);
      std::this_thread::yield();
    }
  }

  void ReadAll() {
    std::string value;
    std::array<std::byte, 100> buffer{};
    Found found;
    uint64_t round = 0;
    while (!is_over_.load(std::memory_order_relaxed)) {
      auto reader = Reader::Attach(memory_.Bytes());
      for (int i = 0; reader.ok() && i < 200; ++i) {
        const std::string key = "key" + std::to_string(++round % 100);
        reader->Get(key, value, found);
        if (value.size() > memory_.Bytes().size()) ++too_large_;
        reader->Get(key, buffer, found);
        View view;
        if (reader->Look(key, view) == ReadResult::kHit) reader->StillValid(view);
      }
    }
  }

  void WorkALittle(uint32_t seed) {
    std::minstd_rand random(seed);
    StoredValue value;
    for (int i = 0; i < 60; ++i) {
      const std::string key = "key" + std::to_string(random() % 100);
      store_->Set(key, std::string(random() % 600, 'v'), 0, random() % 2 * 100);
      store_->Append(key, "more");
      store_->Incr("key" + std::to_string(random() % 100), 1);
      store_->Touch("key" + std::to_string(random() % 100), 50);
      store_->Get("key" + std::to_string(random() % 100), value);
      store_->Touched(random());
      store_->Tick();
    }
  }

  std::atomic<bool> is_over_ = false;
  std::atomic<uint64_t> too_large_ = 0;
};

TEST_F(HostileBytesTest, WhateverTheBytesSayNobodyCrashesHangsOrLeavesTheMemory) {
  std::thread scribbler([this] { Scribble(); });
  std::thread reader([this] { ReadAll(); });
  for (uint32_t round = 1; round <= 400; ++round) {
    Reopen();
    WorkALittle(round);
  }
  is_over_.store(true, std::memory_order_relaxed);
  scribbler.join();
  reader.join();
  EXPECT_EQ(too_large_, 0u);
}

TEST_F(HostileBytesTest, WhatWasScribbledOnceIsOpenedAndWorks) {
  std::minstd_rand random(5);
  int warm = 0;
  for (uint32_t round = 1; round <= 300; ++round) {
    WorkALittle(round);
    for (uint32_t i = 0; i < round % 20; ++i) ScribbleOnce(random);
    Reopen();
    warm += store_->Report().is_warm;
    // What is written now comes back, whatever else lies there.
    ASSERT_EQ(Set("fresh", "value"), StoreResult::kStored);
    ASSERT_EQ(Get("fresh"), "value");
  }
  EXPECT_GT(warm, 10);
  EXPECT_LT(warm, 300);
}

}  // namespace
}  // namespace tombolo::kvcache

// Somebody writes random bytes over the whole shard, all the time, while its owner works and is
// opened again and a reader reads: nobody crashes, hangs or leaves the memory (which
// AddressSanitizer sees), and when the bytes are quiet again the shard works.
#include <array>
#include <atomic>
#include <random>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "kvcache/client/reader.h"
#include "kvcache/layout/superblock.h"
#include "kvcache/shard/geometry.h"
#include "kvcache/store/store.h"
#include "tests/kvcache/shard_fixture.h"
#include "transport/layout/shared_word.h"

namespace tombolo::kvcache {
namespace {

class HostileBytesTest : public ShardTest {
 protected:
  HostileBytesTest() : geometry_(store_->Geometry()) {}

  // A word that is random, or one that was valid and is now a little different.
  void ScribbleWithin(uint64_t begin, uint64_t end, std::minstd_rand& random) {
    const uint64_t at = begin + random() % (end - begin) / sizeof(uint64_t) * sizeof(uint64_t);
    auto* word = reinterpret_cast<SharedU64*>(memory_.Bytes().data() + at);
    const uint64_t before = word->load(std::memory_order_relaxed);
    const uint64_t noise = uint64_t{random()} << 33 ^ random();
    const uint64_t flip = uint64_t{1} << random() % 64;
    word->store(random() % 4 == 0 ? noise : before ^ flip, std::memory_order_relaxed);
  }

  // Seldom the superblock, without which nobody looks at the rest.
  void ScribbleOnce(std::minstd_rand& random) {
    const uint32_t dice = random() % 4096;
    if (dice == 0) return ScribbleWithin(0, sizeof(Superblock), random);
    if (dice < 20) {
      return ScribbleWithin(geometry_.segment_headers.bytes, geometry_.segments.bytes, random);
    }
    if (dice < 600) return ScribbleWithin(geometry_.index.bytes, 8 * kKiB, random);
    ScribbleWithin(geometry_.segments.bytes, geometry_.end.bytes, random);
  }

  void Scribble() {
    std::minstd_rand random(3);
    while (!is_over_.load(std::memory_order_relaxed)) {
      for (int i = 0; i < 8; ++i) ScribbleOnce(random);
      std::this_thread::yield();
    }
  }

  void ReadOnce(Reader& reader, const std::string& key) {
    std::string value;
    std::array<std::byte, 100> buffer{};
    Found found;
    reader.Get(key, value, found);
    if (value.size() > memory_.Bytes().size()) ++too_large_;
    reader.Get(key, buffer, found);
    View view;
    if (reader.Look(key, view) == ReadResult::kHit) reader.StillValid(view);
  }

  void ReadAll() {
    for (uint64_t round = 0; !is_over_.load(std::memory_order_relaxed);) {
      auto reader = Reader::Attach(memory_.Bytes());
      if (reader.ok()) reader->OwnerWasHeard();
      for (int i = 0; reader.ok() && i < 200; ++i) {
        ReadOnce(*reader, "key" + std::to_string(++round % 100));
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

  const ShardGeometry geometry_;
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
    for (uint32_t i = 0; i < round; ++i) ScribbleOnce(random);
    auto reader = Reader::Attach(memory_.Bytes());
    if (reader.ok()) reader->OwnerWasHeard();
    for (int i = 0; reader.ok() && i < 100; ++i) ReadOnce(*reader, "key" + std::to_string(i));
    WorkALittle(round + 1);
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

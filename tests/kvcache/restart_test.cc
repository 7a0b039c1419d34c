// What the next owner finds: everything, or a reason to begin anew.
#include <functional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kvcache/layout/bucket.h"
#include "kvcache/layout/segment_header.h"
#include "kvcache/layout/superblock.h"
#include "kvcache/shard/shard_parts.h"
#include "tests/kvcache/shard_fixture.h"

namespace tombolo::kvcache {
namespace {

using testing::HasSubstr;

constexpr auto kRelaxed = std::memory_order_relaxed;

class RestartTest : public ShardTest {
 protected:
  Shard Parts() { return {memory_.Bytes(), store_->Geometry()}; }

  // The segment of the only item.
  uint32_t SegmentInUse() {
    uint32_t segment = 0;
    while (Parts().HeaderOf(segment).written_bytes.load(kRelaxed) == 0) ++segment;
    return segment;
  }
};

TEST_F(RestartTest, FindsEveryItemAsItWas) {
  const uint64_t cas = store_->Set("key", "value", 5, 100).cas;
  for (int i = 0; i < 100; ++i) Set("key" + std::to_string(i), "value" + std::to_string(i));
  store_->Delete("key7");
  Reopen();
  EXPECT_TRUE(store_->Report().is_warm) << store_->Report().cold_reason;
  EXPECT_EQ(store_->Report().items, 100u);
  EXPECT_EQ(store_->Report().dropped_slots, 0u);
  EXPECT_EQ(Get("key99"), "value99");
  EXPECT_EQ(Get("key7"), "(miss)");
  StoredValue value;
  ASSERT_TRUE(store_->Get("key", value));
  EXPECT_EQ(value.cas, cas);
  EXPECT_EQ(value.flags, 5u);
  EXPECT_EQ(value.expiry_s, kStartS + 100);
}

TEST_F(RestartTest, CasNumbersGoOnGrowing) {
  const uint64_t cas = store_->Set("key", "value", 0, 0).cas;
  store_->Delete("key");
  Reopen();
  EXPECT_GT(store_->Set("key", "value", 0, 0).cas, cas);
}

TEST_F(RestartTest, WhatWasFlushedStaysFlushed) {
  Set("before", "x");
  store_->FlushAll(0);
  Set("after", "x");
  Reopen();
  EXPECT_EQ(Get("before"), "(miss)");
  EXPECT_EQ(Get("after"), "x");
}

TEST_F(RestartTest, AFlushThatIsDueHappensStill) {
  Set("key", "x");
  store_->FlushAll(10);
  Reopen();
  EXPECT_EQ(Get("key"), "x");
  now_s_ += 10;
  EXPECT_EQ(Get("key"), "(miss)");
}

TEST_F(RestartTest, AClockThatIsALittleBehindRevivesNothing) {
  store_->Set("key", "x", 0, 10);
  now_s_ += 10;
  store_->Tick();
  now_s_ -= 10;
  Reopen();
  EXPECT_TRUE(store_->Report().is_warm);
  EXPECT_EQ(Get("key"), "(miss)");
}

TEST_F(RestartTest, EvictionGoesOnInTheOldOrder) {
  Set("first", "x");
  for (int i = 0; i < 300; ++i) Set("key" + std::to_string(i), std::string(60, 'x'));
  Reopen();
  for (int i = 300; Read("first") != "(miss)"; ++i) {
    ASSERT_LT(i, 2000);
    Set("key" + std::to_string(i), std::string(60, 'x'));
  }
  EXPECT_NE(Get("key299"), "(miss)");
}

TEST_F(RestartTest, ASegmentThatWasBeingRecycledIsFinished) {
  Set("key", "value");
  const uint32_t segment = SegmentInUse();
  SegmentHeader& header = Parts().HeaderOf(segment);
  const uint32_t generation = header.generation.load(kRelaxed);
  header.state.store(static_cast<uint32_t>(SegmentState::kRecycling), kRelaxed);
  Reopen();
  EXPECT_TRUE(store_->Report().is_warm);
  EXPECT_EQ(store_->Report().dropped_slots, 1u);
  EXPECT_EQ(Get("key"), "(miss)");
  EXPECT_EQ(header.generation.load(kRelaxed), generation + 1);
  EXPECT_EQ(header.state.load(kRelaxed), static_cast<uint32_t>(SegmentState::kFree));
}

TEST_F(RestartTest, SlotsThatLeadNowhereAreDropped) {
  Set("key", "value");
  const Shard parts = Parts();
  SharedU64& slot = parts.BucketAt(0).slots[7];
  for (const uint64_t word :
       {uint64_t{1}, UINT64_MAX, Pack(Slot{.location = parts.LocationOf({.segment = 9})}),
        Pack(Slot{.generation = 1,
        .location = parts.LocationOf({.segment = 0, .offset_bytes = 4000})})}) {
    slot.store(word, kRelaxed);
    Reopen();
    EXPECT_EQ(store_->Report().dropped_slots, 1u) << word;
    EXPECT_EQ(slot.load(kRelaxed), 0u);
    EXPECT_EQ(Get("key"), "value");
  }
}

TEST_F(RestartTest, AnotherShapeIsAColdStart) {
  Set("key", "value");
  options_.limits.segment_bytes = 8 * kKiB;
  Reopen();
  EXPECT_FALSE(store_->Report().is_warm);
  EXPECT_THAT(store_->Report().cold_reason, HasSubstr("number of segments"));
  EXPECT_EQ(Get("key"), "(miss)");
}

TEST_F(RestartTest, AColdStartGivesNoOldCasNumbers) {
  const uint64_t cas = store_->Set("key", "value", 0, 0).cas;
  options_.limits.segment_bytes = 8 * kKiB;
  Reopen();
  EXPECT_GT(store_->Set("key", "value", 0, 0).cas, cas);
}

struct Damage {
  const char* name;
  const char* reason;
  std::function<void(const Shard&)> inflict;
};

void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.name; }

const Damage kDamages[] = {
    {"Magic", "the magic is 1,",
     [](const Shard& shard) { shard.TheSuperblock().magic.store(1, kRelaxed); }},
    {"Version", "the layout version is 4,",
     [](const Shard& shard) { shard.TheSuperblock().layout_version.store(4, kRelaxed); }},
    {"Size", "the size of the shard",
     [](const Shard& shard) { shard.TheSuperblock().shard_bytes.store(1, kRelaxed); }},
    {"Buckets", "the number of buckets",
     [](const Shard& shard) { shard.TheSuperblock().bucket_count.store(0, kRelaxed); }},
    {"TimeFarAhead", "the clock says",
     [](const Shard& shard) { shard.TheSuperblock().now_s.store(UINT32_MAX, kRelaxed); }},
    {"CasAtTheEnd", "the limit of CAS numbers",
     [](const Shard& shard) { shard.TheSuperblock().cas_limit.store(UINT64_MAX, kRelaxed); }},
    {"FlushOfTheFuture", "the flush watermark",
     [](const Shard& shard) { shard.TheSuperblock().flush_cas.store(1 << 21, kRelaxed); }},
    {"State", "the header of segment 3 says state 4",
     [](const Shard& shard) { shard.HeaderOf(3).state.store(4, kRelaxed); }},
    {"Queue", "segment 3 says state 0, queue 2",
     [](const Shard& shard) { shard.HeaderOf(3).queue.store(2, kRelaxed); }},
    {"Written", "4104 bytes",
     [](const Shard& shard) { shard.HeaderOf(3).written_bytes.store(4104, kRelaxed); }},
    {"WrittenOdd", "7 bytes",
     [](const Shard& shard) { shard.HeaderOf(3).written_bytes.store(7, kRelaxed); }},
};

class DamageTest : public RestartTest, public testing::WithParamInterface<Damage> {};

TEST_P(DamageTest, IsAColdStartThatSaysWhy) {
  Set("key", "value");
  GetParam().inflict(Parts());
  Reopen();
  EXPECT_FALSE(store_->Report().is_warm);
  EXPECT_THAT(store_->Report().cold_reason, HasSubstr(GetParam().reason));
  EXPECT_EQ(Get("key"), "(miss)");
  EXPECT_EQ(Set("key", "next"), StoreResult::kStored);
  EXPECT_EQ(Read("key"), "next");
  Reopen();
  EXPECT_TRUE(store_->Report().is_warm);
  EXPECT_EQ(Get("key"), "next");
}

INSTANTIATE_TEST_SUITE_P(All, DamageTest, testing::ValuesIn(kDamages),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_F(RestartTest, RefusesMemoryThatCannotBeAShard) {
  const auto open = [this](std::span<std::byte> memory) {
    return Store::Open(memory, options_, [] { return 1u; }).status();
  };
  EXPECT_EQ(open(memory_.Bytes().subspan(8)).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(open(memory_.Bytes().first(4096)).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace tombolo::kvcache

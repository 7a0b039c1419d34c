// Operations of one rank on memory of another, in the region and private, also where the other is
// hostile or dies.
#include <string.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "mpi_btl/engine/engine_message.h"
#include "mpi_btl/engine/rank_engine.h"
#include "tests/mpi_btl/engine/rank.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/base/units.h"

namespace tombolo::mpi {
namespace {

constexpr int kManyPolls = 10'000;
constexpr uint32_t kAll = kMayRead | kMayWrite | kMayOperate;

// `origin_` operates on memory of `target_`: in the region or private.
class OneSidedTest : public testing::TestWithParam<bool> {
 protected:
  explicit OneSidedTest(uint64_t region_bytes = uint64_t{16} << 20) : members_(region_bytes) {}

  std::byte* Memory(size_t bytes) {
    if (GetParam()) return target_.engine->AllocateMemory(bytes);
    private_.assign(bytes, std::byte{0});
    return private_.data();
  }

  Operation OperationOn(OperationKind kind, std::byte* memory, const MemoryHandle& handle,
                        void* local, size_t bytes) {
    return {.kind = kind,
            .target = target_.id,
            .local = static_cast<std::byte*>(local),
            .address = AddressOf(memory),
            .handle = handle,
            .bytes = bytes};
  }

  // Begins it; whether it was done at once is what distinguishes the kinds of memory.
  void Start(const Operation& operation) {
    ++started_;
    const bool at_once = origin_.engine->StartOperation(peer_, operation);
    EXPECT_EQ(at_once, GetParam());
    if (at_once) origin_.done.push_back(true);
  }

  void PollUntilDone() {
    for (int i = 0; i < kManyPolls && origin_.done.size() < started_; ++i) {
      target_.Poll();
      origin_.Poll();
    }
    EXPECT_EQ(origin_.done.size(), started_);
    EXPECT_TRUE(std::ranges::all_of(origin_.done, [](bool good) { return good; }));
  }

  SimulatedMembers members_;
  Rank origin_{members_, "origin"};
  Rank target_{members_, "target"};
  Peer& peer_ = origin_.Open(target_);
  Peer& back_ = target_.Open(origin_);
  std::vector<std::byte> private_;
  size_t started_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Memory, OneSidedTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "Region" : "Private"; });

TEST_P(OneSidedTest, PutsAndGetsAllLengths) {
  constexpr size_t kMostBytes = 200'000;
  std::byte* memory = Memory(kMostBytes);
  const MemoryHandle handle = target_.engine->Register(memory, kMostBytes, kAll);
  std::vector<uint8_t> sent(kMostBytes);
  std::vector<uint8_t> got(kMostBytes);
  uint8_t seed = 1;
  for (const size_t bytes : {0UL, 1UL, 8UL, 1855UL, 1856UL, 1857UL, 1912UL, 32'711UL, 32'712UL,
                             32'713UL, 32'768UL, kMostBytes}) {
    std::iota(sent.begin(), sent.end(), seed++);
    std::ranges::fill(got, 0);
    Start(OperationOn(OperationKind::kPut, memory, handle, sent.data(), bytes));
    PollUntilDone();
    EXPECT_EQ(memcmp(memory, sent.data(), bytes), 0) << bytes;
    Start(OperationOn(OperationKind::kGet, memory, handle, got.data(), bytes));
    PollUntilDone();
    EXPECT_EQ(memcmp(got.data(), sent.data(), bytes), 0) << bytes;
    EXPECT_TRUE(std::all_of(got.begin() + static_cast<ptrdiff_t>(bytes), got.end(),
                            [](uint8_t byte) { return byte == 0; }));
  }
}

TEST_P(OneSidedTest, CountsAndGivesWhatWasThere) {
  std::byte* memory = Memory(16);
  const MemoryHandle handle = target_.engine->Register(memory, 16, kAll);
  Operation add = OperationOn(OperationKind::kAtomic, memory + 8, handle, nullptr, 8);
  add.operand = 5;
  uint64_t before[2] = {77, 77};
  for (uint64_t& local : before) {
    add.local = reinterpret_cast<std::byte*>(&local);
    Start(add);
    PollUntilDone();
  }
  EXPECT_EQ(before[0], 0u);
  EXPECT_EQ(before[1], 5u);
  uint64_t after[2];
  memcpy(after, memory, sizeof(after));
  EXPECT_EQ(after[0], 0u);
  EXPECT_EQ(after[1], 10u);
}

TEST_P(OneSidedTest, StoresNoMoreOfANarrowResultThanItsWidth) {
  std::byte* memory = Memory(8);
  const uint32_t words[2] = {3, 4};
  memcpy(memory, words, sizeof(words));
  const MemoryHandle handle = target_.engine->Register(memory, 8, kAll);
  uint32_t local[2] = {0, 99};
  Operation swap = OperationOn(OperationKind::kAtomic, memory, handle, local, 4);
  swap.atomic = AtomicOp::kSwap;
  swap.operand = 8;
  Start(swap);
  PollUntilDone();
  EXPECT_EQ(local[0], 3u);
  EXPECT_EQ(local[1], 99u);
}

TEST_P(OneSidedTest, RefusesNothingHoweverMuchIsBegunAtOnce) {
  constexpr size_t kMany = 3000;
  std::byte* memory = Memory(8);
  const MemoryHandle handle = target_.engine->Register(memory, 8, kAll);
  Operation add = OperationOn(OperationKind::kAtomic, memory, handle, nullptr, 8);
  add.operand = 1;
  for (size_t i = 0; i < kMany; ++i) Start(add);
  PollUntilDone();
  uint64_t count;
  memcpy(&count, memory, sizeof(count));
  EXPECT_EQ(count, kMany);
  EXPECT_TRUE(target_.losses.empty());
}

TEST_P(OneSidedTest, FailsOnlyAfterItWasToldThatTheTargetIsDead) {
  std::byte* memory = Memory(64);
  const MemoryHandle handle = target_.engine->Register(memory, 64, kAll);
  members_.Kill(target_.id);
  uint64_t local = 7;
  EXPECT_FALSE(origin_.engine->StartOperation(
      peer_, OperationOn(OperationKind::kGet, memory, handle, &local, 8)));
  for (int i = 0; i < 10; ++i) origin_.Poll();
  ASSERT_EQ(origin_.losses.size(), 1u);
  EXPECT_EQ(origin_.done_when_lost, 0u);
  ASSERT_EQ(origin_.done.size(), 1u);
  EXPECT_FALSE(origin_.done[0]);
  EXPECT_EQ(local, 7u);
  // And so do those that are begun later.
  EXPECT_FALSE(origin_.engine->StartOperation(
      peer_, OperationOn(OperationKind::kPut, memory, handle, &local, 8)));
  origin_.Poll();
  EXPECT_EQ(origin_.losses.size(), 1u);
  ASSERT_EQ(origin_.done.size(), 2u);
  EXPECT_FALSE(origin_.done[1]);
}

TEST_P(OneSidedTest, EndsATargetWhoseHandleIsNotItsOwn) {
  Rank third(members_, "third");
  std::byte* memory = third.engine->AllocateMemory(64);
  MemoryHandle handle = third.engine->Register(memory, 64, kAll);
  handle.owner_index = target_.id.index;
  handle.owner_incarnation = target_.id.incarnation;
  uint64_t local = 7;
  EXPECT_FALSE(origin_.engine->StartOperation(
      peer_, OperationOn(OperationKind::kPut, memory, handle, &local, 8)));
  origin_.Poll();
  EXPECT_EQ(memory[0], std::byte{0});
  ASSERT_EQ(origin_.losses.size(), 1u);
  EXPECT_NE(origin_.losses[0].find("not its own"), std::string::npos);
  ASSERT_EQ(origin_.done.size(), 1u);
  EXPECT_FALSE(origin_.done[0]);
}

class PrivateTest : public OneSidedTest {
 protected:
  explicit PrivateTest(uint64_t region_bytes = uint64_t{16} << 20) : OneSidedTest(region_bytes) {}

  OperationRequest Request(EngineMessage kind, const MemoryHandle& handle, uint64_t bytes) {
    return {.kind = kind,
            .operation = 0,
            .registration = handle.place,
            .generation = handle.generation,
            .address = AddressOf(private_.data()),
            .bytes = bytes,
            .is_last = 1,
            .atomic = static_cast<uint32_t>(AtomicOp::kAdd),
            .operand = 1,
            .expected = 0};
  }
};

INSTANTIATE_TEST_SUITE_P(Memory, PrivateTest, testing::Values(false));

TEST_P(PrivateTest, OperatesOnMemoryOfItsOwnAtOnce) {
  uint64_t own = 4;
  Peer& self = origin_.Open(origin_);
  const MemoryHandle handle = origin_.engine->Register(reinterpret_cast<std::byte*>(&own), 8, kAll);
  const Operation add = {.kind = OperationKind::kAtomic,
                         .target = origin_.id,
                         .address = AddressOf(&own),
                         .handle = handle,
                         .bytes = 8,
                         .operand = 3};
  EXPECT_TRUE(origin_.engine->StartOperation(self, add));
  EXPECT_EQ(own, 7u);
}

TEST_P(PrivateTest, IsRefusedOnceMemoryIsTakenBack) {
  std::byte* memory = Memory(64);
  const MemoryHandle handle = target_.engine->Register(memory, 64, kAll);
  target_.engine->Deregister(handle);
  const uint64_t local = 7;
  EXPECT_FALSE(origin_.engine->StartOperation(
      peer_, OperationOn(OperationKind::kPut, memory, handle, const_cast<uint64_t*>(&local), 8)));
  for (int i = 0; i < 10; ++i) target_.Poll(), origin_.Poll();
  EXPECT_EQ(memory[0], std::byte{0});
  ASSERT_EQ(origin_.losses.size(), 1u);
  EXPECT_NE(origin_.losses[0].find("took back"), std::string::npos);
  EXPECT_EQ(origin_.done, std::vector<bool>{false});
}

TEST_P(PrivateTest, DoesNothingOutsideOfWhatIsRegistered) {
  std::byte* memory = Memory(64);
  const MemoryHandle handle = target_.engine->Register(memory + 8, 16, kMayRead | kMayWrite);
  OperationRequest request = Request(EngineMessage::kPut, handle, 8);
  ASSERT_TRUE(origin_.Say(peer_, request, 8));  // Before it.
  request.address += 17;
  ASSERT_TRUE(origin_.Say(peer_, request, 8));  // Across its end.
  request.address = AddressOf(memory + 8);
  ASSERT_TRUE(origin_.Say(peer_, request, 7));   // Not as long as it says.
  ASSERT_TRUE(origin_.Say(peer_, request, 40));  // Longer than it says.
  request.bytes = UINT64_MAX;
  ASSERT_TRUE(origin_.Say(peer_, request, 8));
  request = Request(EngineMessage::kAtomic, handle, 8);
  request.address = AddressOf(memory + 8);
  ASSERT_TRUE(origin_.Say(peer_, request));  // Not allowed.
  request.kind = EngineMessage::kGet;
  request.bytes = 17;
  ASSERT_TRUE(origin_.Say(peer_, request));
  target_.Poll();
  EXPECT_TRUE(std::ranges::all_of(private_, [](std::byte byte) { return byte == std::byte{0}; }));
  EXPECT_TRUE(target_.losses.empty());
}

TEST_P(PrivateTest, EndsAnOriginThatAsksForTooMuchAtOnce) {
  constexpr uint64_t kBytes = kMiB;
  std::byte* memory = Memory(kBytes);
  const MemoryHandle handle = target_.engine->Register(memory, kBytes, kAll);
  const OperationRequest request = Request(EngineMessage::kGet, handle, kBytes);
  for (uint32_t i = 0; i < 3 * kMostOpenOperations; ++i) {
    // It takes no answer, ever.
    if (!origin_.Say(peer_, request)) target_.Poll();
  }
  for (int i = 0; i < 100; ++i) target_.Poll();
  ASSERT_EQ(target_.losses.size(), 1u);
  EXPECT_NE(target_.losses[0].find("more operations"), std::string::npos);
}

TEST_P(PrivateTest, EndsATargetThatAnswersWhatItWasNotAsked) {
  const OperationReply reply = {
      .kind = EngineMessage::kDone, .operation = 5, .offset_bytes = 0, .value = 0};
  ASSERT_TRUE(target_.Say(back_, reply));
  origin_.Poll();
  ASSERT_EQ(origin_.losses.size(), 1u);
  EXPECT_NE(origin_.losses[0].find("not asked"), std::string::npos);
}

TEST_P(PrivateTest, EndsATargetThatAnswersWhatItHasNotSeen) {
  std::byte* memory = Memory(8);
  const MemoryHandle handle = target_.engine->Register(memory, 8, kAll);
  const Operation add = OperationOn(OperationKind::kAtomic, memory, handle, nullptr, 8);
  for (uint32_t i = 0; i <= kMostOpenOperations; ++i) {
    EXPECT_FALSE(origin_.engine->StartOperation(peer_, add));
  }
  const OperationReply reply = {.kind = EngineMessage::kDone,
                                .operation = kMostOpenOperations,
                                .offset_bytes = 0,
                                .value = 0};
  ASSERT_TRUE(target_.Say(back_, reply));
  origin_.Poll();
  ASSERT_EQ(origin_.losses.size(), 1u);
  EXPECT_NE(origin_.losses[0].find("makes no sense"), std::string::npos);
  EXPECT_EQ(origin_.done, std::vector<bool>(kMostOpenOperations + 1, false));
}

TEST_P(PrivateTest, AsksNobodyForMemoryOfSomebodyElse) {
  Rank third(members_, "third");
  std::byte* memory = Memory(8);
  const MemoryHandle handle = third.engine->Register(memory, 8, kAll);
  uint64_t local = 7;
  EXPECT_FALSE(origin_.engine->StartOperation(
      peer_, OperationOn(OperationKind::kPut, memory, handle, &local, 8)));
  target_.Poll();
  origin_.Poll();
  ASSERT_EQ(origin_.losses.size(), 1u);
  EXPECT_NE(origin_.losses[0].find("not its own"), std::string::npos);
}

TEST_P(PrivateTest, TakesNoMoreDataThanItAskedFor) {
  std::byte* memory = Memory(64);
  const MemoryHandle handle = target_.engine->Register(memory, 64, kAll);
  uint64_t local[2] = {7, 7};
  EXPECT_FALSE(origin_.engine->StartOperation(
      peer_, OperationOn(OperationKind::kGet, memory, handle, local, 8)));
  const OperationReply reply = {
      .kind = EngineMessage::kData, .operation = 0, .offset_bytes = 0, .value = 0};
  ASSERT_TRUE(target_.Say(back_, reply, 16));
  origin_.Poll();
  EXPECT_EQ(local[1], 7u);
  EXPECT_EQ(origin_.losses.size(), 1u);
  EXPECT_EQ(origin_.done, std::vector<bool>{false});
}

// A region that is too small for bulk pools: all goes in small messages.
class SmallRegionTest : public PrivateTest {
 protected:
  SmallRegionTest() : PrivateTest(uint64_t{2} << 20) {}
};

INSTANTIATE_TEST_SUITE_P(Memory, SmallRegionTest, testing::Values(false));

TEST_P(SmallRegionTest, PutsAndGetsInSmallMessages) {
  constexpr size_t kBytes = 300'000;
  std::byte* memory = Memory(kBytes);
  const MemoryHandle handle = target_.engine->Register(memory, kBytes, kAll);
  std::vector<uint8_t> sent(kBytes);
  std::iota(sent.begin(), sent.end(), uint8_t{3});
  Start(OperationOn(OperationKind::kPut, memory, handle, sent.data(), kBytes));
  PollUntilDone();
  EXPECT_EQ(memcmp(memory, sent.data(), kBytes), 0);
  std::vector<uint8_t> got(kBytes);
  Start(OperationOn(OperationKind::kGet, memory, handle, got.data(), kBytes));
  PollUntilDone();
  EXPECT_EQ(got, sent);
}

}  // namespace
}  // namespace tombolo::mpi

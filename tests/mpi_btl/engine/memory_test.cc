// What peers may do to memory of this process: atomic operations, registrations, region memory.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "mpi_btl/engine/atomic_op.h"
#include "mpi_btl/engine/memory_handle.h"
#include "mpi_btl/engine/region_memory.h"
#include "mpi_btl/engine/registrations.h"
#include "tests/transport/channel/simulated_members.h"
#include "transport/alloc/extent_map.h"
#include "transport/base/units.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/layout/extent_word.h"
#include "transport/layout/shared_word.h"

namespace tombolo::mpi {
namespace {

uint64_t AddressOf(const void* memory) { return reinterpret_cast<uintptr_t>(memory); }

TEST(AtomicOpTest, OperatesOnBothWidthsAndGivesWhatWasThere) {
  uint64_t wide = 12;
  uint32_t narrow[2] = {12, 7};
  auto* at_wide = reinterpret_cast<std::byte*>(&wide);
  auto* at_narrow = reinterpret_cast<std::byte*>(narrow);
  const struct {
    AtomicOp op;
    uint64_t operand;
    uint64_t result;
  } steps[] = {{AtomicOp::kAdd, 3, 15},
               {AtomicOp::kAnd, 6, 6},
               {AtomicOp::kOr, 9, 15},
               {AtomicOp::kXor, 5, 10},
               {AtomicOp::kSwap, 77, 77}};
  uint64_t before = 12;
  for (const auto& step : steps) {
    EXPECT_EQ(ApplyAtomic(at_wide, step.op, 8, step.operand, 0), before);
    EXPECT_EQ(ApplyAtomic(at_narrow, step.op, 4, step.operand, 0), before);
    EXPECT_EQ(wide, step.result);
    EXPECT_EQ(narrow[0], step.result);
    before = step.result;
  }
  EXPECT_EQ(narrow[1], 7u);
}

TEST(AtomicOpTest, CompareSwapStoresOnlyWhereWhatIsThereWasExpected) {
  uint64_t word = 5;
  auto* at = reinterpret_cast<std::byte*>(&word);
  EXPECT_EQ(ApplyAtomic(at, AtomicOp::kCompareSwap, 8, 9, 4), 5u);
  EXPECT_EQ(word, 5u);
  EXPECT_EQ(ApplyAtomic(at, AtomicOp::kCompareSwap, 8, 9, 5), 5u);
  EXPECT_EQ(word, 9u);
}

TEST(AtomicOpTest, RefusesWhatDoesNotExistOrIsNotAligned) {
  uint64_t words[2] = {1, 1};
  auto* at = reinterpret_cast<std::byte*>(words);
  EXPECT_FALSE(ApplyAtomic(at + 4, AtomicOp::kAdd, 8, 1, 0));
  EXPECT_FALSE(ApplyAtomic(at, AtomicOp::kAdd, 2, 1, 0));
  EXPECT_FALSE(ApplyAtomic(at, static_cast<AtomicOp>(99), 8, 1, 0));
  EXPECT_EQ(words[0], 1u);
}

TEST(RegistrationsTest, FindsOnlyWhatLiesWithinAndIsAllowed) {
  Registrations registrations;
  std::vector<std::byte> memory(100);
  const Registrations::Key key = registrations.Add(memory.data(), 100, kMayRead | kMayWrite);
  const uint64_t base = AddressOf(memory.data());
  EXPECT_EQ(registrations.Find(key, base, 100, kMayRead), memory.data());
  EXPECT_EQ(registrations.Find(key, base + 99, 1, kMayWrite), memory.data() + 99);
  EXPECT_EQ(registrations.Find(key, base + 100, 1, kMayRead), nullptr);
  EXPECT_EQ(registrations.Find(key, base - 1, 1, kMayRead), nullptr);
  EXPECT_EQ(registrations.Find(key, base + 1, 100, kMayRead), nullptr);
  EXPECT_EQ(registrations.Find(key, base + 1, UINT64_MAX, kMayRead), nullptr);
  EXPECT_EQ(registrations.Find(key, base, 8, kMayOperate), nullptr);
  EXPECT_EQ(registrations.Find({key.index + 1, key.generation}, base, 8, kMayRead), nullptr);
}

TEST(RegistrationsTest, ForgetsWhatWasRemovedEvenIfItsPlaceIsUsedAgain) {
  Registrations registrations;
  std::vector<std::byte> memory(100);
  const Registrations::Key old = registrations.Add(memory.data(), 100, kMayRead);
  registrations.Remove(old);
  EXPECT_EQ(registrations.Find(old, AddressOf(memory.data()), 8, kMayRead), nullptr);
  const Registrations::Key next = registrations.Add(memory.data(), 100, kMayRead);
  EXPECT_EQ(next.index, old.index);
  EXPECT_EQ(registrations.Find(old, AddressOf(memory.data()), 8, kMayRead), nullptr);
  registrations.Remove(old);
  EXPECT_NE(registrations.Find(next, AddressOf(memory.data()), 8, kMayRead), nullptr);
}

// Two endpoints, each with memory of its own in one region.
class RegionMemoryTest : public testing::Test {
 protected:
  struct Member {
    explicit Member(SimulatedMembers& members, std::string_view name)
        : endpoint(members.Join(name)), memory(endpoint->SharedRegion(), endpoint->Id()) {}
    EndpointId Id() const { return endpoint->Id(); }

    std::unique_ptr<Endpoint> endpoint;
    RegionMemory memory;
  };

  SimulatedMembers members_;
  Member owner_{members_, "owner"};
  Member user_{members_, "user"};
};

TEST_F(RegionMemoryTest, IsReachedThroughItsHandle) {
  std::byte* memory = owner_.memory.Allocate(10'000);
  ASSERT_NE(memory, nullptr);
  const auto handle = owner_.memory.HandleOf(memory + 5000, 100);
  ASSERT_TRUE(handle);
  memory[5001] = std::byte{42};
  const std::byte* seen = user_.memory.Reach(*handle, owner_.Id(), AddressOf(memory + 5001), 99);
  ASSERT_NE(seen, nullptr);
  EXPECT_EQ(*seen, std::byte{42});
  EXPECT_TRUE(user_.memory.StillReachable(*handle, owner_.Id()));
}

TEST_F(RegionMemoryTest, HasNoHandleForWhatItDidNotAllocate) {
  std::byte* memory = owner_.memory.Allocate(4096);
  ASSERT_NE(memory, nullptr);
  std::byte elsewhere[8];
  EXPECT_FALSE(owner_.memory.HandleOf(elsewhere, 8));
  EXPECT_FALSE(owner_.memory.HandleOf(memory + 4090, 8));
  EXPECT_FALSE(owner_.memory.HandleOf(memory - 1, 1));
  EXPECT_FALSE(owner_.memory.Free(memory + 8));
  EXPECT_TRUE(owner_.memory.Free(memory));
  EXPECT_FALSE(owner_.memory.HandleOf(memory, 8));
}

TEST_F(RegionMemoryTest, ReachesNothingThroughAHandleThatLies) {
  std::byte* memory = owner_.memory.Allocate(8192);
  ASSERT_NE(memory, nullptr);
  const MemoryHandle good = *owner_.memory.HandleOf(memory, 8192);
  const uint64_t address = AddressOf(memory);
  const auto reach = [&](const MemoryHandle& handle, uint64_t at, uint64_t bytes) {
    return user_.memory.Reach(handle, owner_.Id(), at, bytes);
  };
  EXPECT_NE(reach(good, address + 8192, 0), nullptr);
  EXPECT_EQ(reach(good, address + 8192, 1), nullptr);
  EXPECT_EQ(reach(good, address - 1, 1), nullptr);
  EXPECT_EQ(reach(good, address + 1, UINT64_MAX), nullptr);
  MemoryHandle bad = good;
  bad.place = UINT32_MAX;
  EXPECT_EQ(reach(bad, address, 8), nullptr);
  bad = good;
  bad.place += 1;  // A tail.
  EXPECT_EQ(reach(bad, address + 4096, 8), nullptr);
  bad = good;
  bad.generation += 1;
  EXPECT_EQ(reach(bad, address, 8), nullptr);
  bad = good;
  bad.extents_address -= 4096;
  EXPECT_EQ(reach(bad, address, 8192), nullptr);
  // Memory of somebody else under the peer's name.
  std::byte* other = user_.memory.Allocate(4096);
  const MemoryHandle foreign = *user_.memory.HandleOf(other, 4096);
  EXPECT_EQ(reach(foreign, AddressOf(other), 8), nullptr);
}

TEST_F(RegionMemoryTest, ReachesNothingOfARunWhoseLengthLies) {
  std::byte* memory = owner_.memory.Allocate(4096);
  const MemoryHandle handle = *owner_.memory.HandleOf(memory, 4096);
  SharedU64& word = members_.SharedRegion().ExtentMap()[handle.place];
  ExtentWord head = UnpackExtentWord(word.load(std::memory_order_relaxed));
  head.length = static_cast<uint32_t>(kMaxRunExtents);
  word.store(Pack(head), std::memory_order_relaxed);
  EXPECT_EQ(user_.memory.Reach(handle, owner_.Id(), AddressOf(memory), 8), nullptr);
}

TEST_F(RegionMemoryTest, IsOutOfReachOnceItIsFreedOrItsOwnerDead) {
  std::byte* memory = owner_.memory.Allocate(4096);
  MemoryHandle handle = *owner_.memory.HandleOf(memory, 4096);
  ASSERT_TRUE(owner_.memory.Free(memory));
  EXPECT_FALSE(user_.memory.StillReachable(handle, owner_.Id()));
  memory = owner_.memory.Allocate(4096);
  handle = *owner_.memory.HandleOf(memory, 4096);
  EXPECT_TRUE(user_.memory.StillReachable(handle, owner_.Id()));
  members_.Kill(owner_.Id());
  EXPECT_FALSE(user_.memory.StillReachable(handle, owner_.Id()));
  EXPECT_EQ(user_.memory.Reach(handle, owner_.Id(), AddressOf(memory), 8), nullptr);
}

TEST_F(RegionMemoryTest, LeavesRoomForBulkPools) {
  const ExtentMap map(members_.SharedRegion().ExtentMap());
  uint64_t taken = 0;
  while (owner_.memory.Allocate(64 * kKiB) != nullptr) ++taken;
  EXPECT_GT(taken, 0u);
  EXPECT_GT(map.CountFree(), map.Count() / 2);
  EXPECT_EQ(owner_.memory.Allocate(map.Count() * kExtentBytes), nullptr);
}

TEST_F(RegionMemoryTest, LeavesRoomForBulkPoolsWhenSeveralTakeInTurns) {
  const ExtentMap map(members_.SharedRegion().ExtentMap());
  while (owner_.memory.Allocate(kExtentBytes) != nullptr) user_.memory.Allocate(kExtentBytes);
  EXPECT_GT(map.CountFree(), map.Count() / 2);
  // Nor is less given than there is.
  EXPECT_LT(map.CountFree(), map.Count() * 3 / 4);
}

TEST_F(RegionMemoryTest, ZeroesWhatIsFreedAndGivesAsMuchAgain) {
  std::byte* last = nullptr;
  while (std::byte* block = owner_.memory.Allocate(64 * kKiB)) last = block;
  ASSERT_NE(last, nullptr);
  const std::span<std::byte> bytes(last, 64 * kKiB);
  std::ranges::fill(bytes, std::byte{0xee});
  EXPECT_TRUE(owner_.memory.Free(last));
  // Whoever claims it next finds it as it is left here.
  EXPECT_EQ(std::ranges::count(bytes, std::byte{0}), ptrdiff_t{64 * kKiB});
  EXPECT_NE(owner_.memory.Allocate(64 * kKiB), nullptr);
  EXPECT_EQ(owner_.memory.Allocate(64 * kKiB), nullptr);
}

// As malloc calls it, while the engine looks up what it is to register.
TEST_F(RegionMemoryTest, IsAllocatedFreedAndLookedUpByManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 500;
  const ExtentMap map(members_.SharedRegion().ExtentMap());
  const uint32_t free_before = map.CountFree();
  std::atomic<int> bad = 0;
  const auto work = [&](int number) {
    const auto mark = static_cast<std::byte>(number + 1);
    for (int round = 0; round < kRounds; ++round) {
      std::byte* memory = owner_.memory.Allocate(2 * kExtentBytes);
      if (memory == nullptr) continue;
      const std::span<std::byte> bytes(memory, 2 * kExtentBytes);
      bad += std::ranges::count(bytes, std::byte{0}) != ptrdiff_t{2 * kExtentBytes};
      std::ranges::fill(bytes, mark);
      bad += !owner_.memory.HandleOf(memory, bytes.size());
      bad += std::ranges::count(bytes, mark) != ptrdiff_t{2 * kExtentBytes};
      bad += !owner_.memory.Free(memory);
    }
  };
  std::vector<std::jthread> threads;
  for (int number = 0; number < kThreads; ++number) threads.emplace_back(work, number);
  threads.clear();
  EXPECT_EQ(bad.load(), 0);
  EXPECT_EQ(map.CountFree(), free_before);
}

}  // namespace
}  // namespace tombolo::mpi

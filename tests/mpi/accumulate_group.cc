#include <algorithm>
#include <cstring>
#include <vector>

#include "tests/mpi/groups.h"
#include "tests/mpi/window.h"

namespace tombolo::mpi_check {
namespace {

constexpr int kTag = 1700;
// Open MPI 4.1.4 moves long ones in parts of 512 numbers; of a get_accumulate whose last part has
// 32 or fewer its osc/rdma gives memory that nobody wrote, whatever the transport.
constexpr size_t kCounts[] = {1, 7, 300, 20'100};
// Odd, so that a corrupted bit is a high one of its number.
constexpr int kTurns = 51;

int64_t SumOfAll(const World& world, int tag, size_t index) {
  int64_t sum = 0;
  for (int source = 0; source < world.size; ++source) sum += Value(source, tag, index);
  return sum;
}

std::span<int64_t> Numbers(const Window& window) {
  // SAFETY: windows are aligned as malloc aligns.
  return {reinterpret_cast<int64_t*>(window.memory().data()), window.memory().size() / 8};
}

void Clear(const World& world, const Window& window) {
  std::ranges::fill(Numbers(window), 0);
  MPI_Barrier(world.comm);
}

// Everybody adds to everybody; the sums are known.
void AddToAll(World& world, WindowMemory kind, size_t count) {
  Window window(world.comm, kind, count * sizeof(int64_t));
  Clear(world, window);
  std::vector<int64_t> own(count);
  FillValues(world.rank, kTag, own);
  const auto elements = static_cast<int>(count);
  MPI_Win_fence(0, window.win());
  for (int target = 0; target < world.size; ++target) {
    MPI_Accumulate(own.data(), elements, MPI_INT64_T, target, 0, elements, MPI_INT64_T, MPI_SUM,
                   window.win());
  }
  MPI_Win_fence(0, window.win());
  for (size_t i = 0; i < count; ++i) {
    world.checks.Equal("a sum of an accumulate", Numbers(window)[i], SumOfAll(world, kTag, i));
  }
}

// In turn, each takes what is there and adds its own.
void TakeAndAdd(World& world, WindowMemory kind, size_t count) {
  Window window(world.comm, kind, count * sizeof(int64_t));
  Clear(world, window);
  std::vector<int64_t> own(count);
  std::vector<int64_t> before(count, -1);
  FillValues(world.rank, kTag + 1, own);
  const auto elements = static_cast<int>(count);
  for (int turn = 0; turn < world.size; ++turn) {
    if (turn == world.rank) {
      MPI_Win_lock(MPI_LOCK_SHARED, 0, 0, window.win());
      MPI_Get_accumulate(own.data(), elements, MPI_INT64_T, before.data(), elements, MPI_INT64_T, 0,
                         0, elements, MPI_INT64_T, MPI_SUM, window.win());
      MPI_Win_unlock(0, window.win());
    }
    MPI_Barrier(world.comm);
  }
  for (size_t i = 0; i < count; ++i) {
    int64_t expected = 0;
    for (int source = 0; source < world.rank; ++source) expected += Value(source, kTag + 1, i);
    world.checks.Equal("what a get_accumulate found", before[i], expected);
  }
  if (world.rank != 0) return;
  MPI_Win_lock(MPI_LOCK_SHARED, 0, 0, window.win());
  for (size_t i = 0; i < count; ++i) {
    world.checks.Equal("a sum of get_accumulates", Numbers(window)[i],
                       SumOfAll(world, kTag + 1, i));
  }
  MPI_Win_unlock(0, window.win());
}

template <typename T>
struct NumberType;
template <>
struct NumberType<int64_t> {
  static MPI_Datatype Get() { return MPI_INT64_T; }
};
template <>
struct NumberType<int32_t> {
  static MPI_Datatype Get() { return MPI_INT32_T; }
};

// Small enough for the narrow type, whatever the number of ranks.
template <typename T>
T StepOf(int64_t value) {
  return static_cast<T>(value / 1024);
}

template <typename T>
T SumOfAllSteps(const World& world, int tag) {
  T sum = 0;
  for (size_t i = 0; i < kTurns; ++i) {
    for (int source = 0; source < world.size; ++source) {
      sum = static_cast<T>(sum + StepOf<T>(Value(source, tag, i)));
    }
  }
  return sum;
}

// Everybody adds to one counter at each rank at once: nothing gets lost.
template <typename T>
void CountTogether(World& world, WindowMemory kind) {
  Window window(world.comm, kind, 4 * sizeof(T));
  std::memset(window.memory().data(), 0, window.memory().size());
  MPI_Barrier(world.comm);
  std::vector<int64_t> values(kTurns);
  FillValues(world.rank, kTag + 2, values);
  MPI_Win_lock_all(0, window.win());
  for (int target = 0; target < world.size; ++target) {
    for (const int64_t value : values) {
      const T addend = StepOf<T>(value);
      T before;
      MPI_Fetch_and_op(&addend, &before, NumberType<T>::Get(), target, sizeof(T), MPI_SUM,
                       window.win());
      MPI_Win_flush(target, window.win());
    }
  }
  MPI_Win_unlock_all(window.win());
  MPI_Barrier(world.comm);
  T seen[4];
  std::memcpy(seen, window.memory().data(), sizeof(seen));
  world.checks.Equal("a counter", seen[1], SumOfAllSteps<T>(world, kTag + 2));
  world.checks.Equal("before a counter", seen[0], 0);
  world.checks.Equal("behind a counter", seen[2], 0);
}

// A counter that moves by compare and swap: each success is one step, of what FillValues says.
template <typename T>
void SwapTogether(World& world, WindowMemory kind) {
  Window window(world.comm, kind, 2 * sizeof(T));
  std::memset(window.memory().data(), 0, window.memory().size());
  MPI_Barrier(world.comm);
  std::vector<int64_t> steps(kTurns);
  FillValues(world.rank, kTag + 3, steps);
  MPI_Win_lock_all(0, window.win());
  T seen = 0;
  for (const int64_t step : steps) {
    const T by = StepOf<T>(step);
    T expected;
    do {
      expected = seen;
      const T desired = static_cast<T>(expected + by);
      MPI_Compare_and_swap(&desired, &expected, &seen, NumberType<T>::Get(), 0, sizeof(T),
                           window.win());
      MPI_Win_flush(0, window.win());
    } while (seen != expected);
    seen = static_cast<T>(seen + by);
  }
  MPI_Win_unlock_all(window.win());
  MPI_Barrier(world.comm);
  if (world.rank != 0) return;
  T result[2];
  std::memcpy(result, window.memory().data(), sizeof(result));
  world.checks.Equal("a counter of compare and swap", result[1], SumOfAllSteps<T>(world, kTag + 3));
  world.checks.Equal("before it", result[0], 0);
}

}  // namespace

void CheckAccumulate(World& world) {
  for (const WindowMemory kind : kAllWindowMemory) {
    for (const size_t count : kCounts) {
      AddToAll(world, kind, count);
      TakeAndAdd(world, kind, count);
    }
  }
}

void CheckAtomics(World& world) {
  for (const WindowMemory kind : kAllWindowMemory) {
    CountTogether<int64_t>(world, kind);
    CountTogether<int32_t>(world, kind);
    SwapTogether<int64_t>(world, kind);
    SwapTogether<int32_t>(world, kind);
  }
}

}  // namespace tombolo::mpi_check

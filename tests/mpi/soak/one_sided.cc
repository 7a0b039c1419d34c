#include "tests/mpi/soak/one_sided.h"

#include <algorithm>

namespace tombolo::mpi_check {
namespace {

constexpr size_t kAreaBytes = size_t{100} << 10;
constexpr int kMostOperations = 12;
constexpr int kMostAdded = 1000;

size_t WindowBytes(int size) {
  return sizeof(int64_t) + static_cast<size_t>(size) * (sizeof(int64_t) + kAreaBytes);
}

}  // namespace

SharedWindow::SharedWindow(World& world, WindowMemory memory)
    : world_(world),
      window_(world.comm, memory, WindowBytes(world.size)),
      added_(static_cast<size_t>(world.size)),
      seen_(added_.size()),
      swapped_(added_.size()) {
  std::ranges::fill(window_.memory(), std::byte{0});
  MPI_Win_lock_all(0, window_.win());
  MPI_Win_sync(window_.win());
  // Nobody begins before all are zeroed.
  MPI_Barrier(world.comm);
}

SharedWindow::~SharedWindow() { MPI_Win_unlock_all(window_.win()); }

size_t SharedWindow::SwapOffset(int origin) const {
  return sizeof(int64_t) * (1 + static_cast<size_t>(origin));
}

size_t SharedWindow::AreaOffset(int origin) const {
  return SwapOffset(world_.size) + static_cast<size_t>(origin) * kAreaBytes;
}

void SharedWindow::Operate(const RoundPlan& plan, int round) {
  Random random(plan.seed, static_cast<uint64_t>(world_.rank));
  const int operations = random.Below(kMostOperations);
  for (int i = 0; i < operations; ++i) {
    const int target = random.Below(world_.size);
    const size_t kind = random.Below(size_t{4});
    if (kind == 0) {
      Count(random, target);
    } else if (kind == 1) {
      Exchange(random, target);
    } else {
      PutAndGet(random, target, round);
    }
  }
}

// What was put, and what was there before and behind it.
void SharedWindow::PutAndGet(Random& random, int target, int round) {
  const size_t bytes = random.Below(random.OneIn(2) ? size_t{100} : kAreaBytes / 2);
  const size_t place = AreaOffset(world_.rank) + random.Below(kAreaBytes - bytes);
  const Origin origin = {world_.rank, round, bytes};
  std::vector<std::byte> out(bytes);
  std::vector<std::byte> in(bytes + 2 * kGuardBytes, kGuard);
  Fill(origin, out);
  Put(window_, target, place, out);
  MPI_Win_flush(target, window_.win());
  Get(window_, target, place, std::span(in).subspan(kGuardBytes, bytes));
  MPI_Win_flush(target, window_.win());
  const std::span<const std::byte> seen(in);
  world_.checks.Payload("what was put", origin, seen.subspan(kGuardBytes, bytes));
  world_.checks.Untouched("memory before a get", seen.first(kGuardBytes), kGuard);
  world_.checks.Untouched("memory behind a get", seen.last(kGuardBytes), kGuard);
}

void SharedWindow::Count(Random& random, int target) {
  const auto to = static_cast<size_t>(target);
  const int64_t more = random.Below(kMostAdded);
  int64_t before = -1;
  MPI_Fetch_and_op(&more, &before, MPI_INT64_T, target, 0, MPI_SUM, window_.win());
  MPI_Win_flush(target, window_.win());
  // Others count too, but nobody counts down.
  world_.checks.Equal("a counter that went back", before < seen_[to] ? 1 : 0, 0);
  added_[to] += more;
  seen_[to] = before + more;
}

void SharedWindow::Exchange(Random& random, int target) {
  const auto to = static_cast<size_t>(target);
  const auto offset = static_cast<MPI_Aint>(SwapOffset(world_.rank));
  const auto value = static_cast<int64_t>(random.Next());
  int64_t before = -1;
  MPI_Compare_and_swap(&value, &swapped_[to], &before, MPI_INT64_T, target, offset, window_.win());
  MPI_Win_flush(target, window_.win());
  world_.checks.Equal("what a compare and swap found", before, swapped_[to]);
  if (before == swapped_[to]) swapped_[to] = value;
}

int64_t SharedWindow::CounterOf(int target) {
  // Added, not MPI_NO_OP, which osc/rdma of Open MPI 4.1 takes for a get.
  const int64_t nothing = 0;
  int64_t counter = -1;
  MPI_Fetch_and_op(&nothing, &counter, MPI_INT64_T, target, 0, MPI_SUM, window_.win());
  MPI_Win_flush(target, window_.win());
  return counter;
}

void SharedWindow::CheckSums() {
  std::vector<int64_t> sums(added_.size());
  // All have counted when it returns.
  MPI_Allreduce(added_.data(), sums.data(), static_cast<int>(sums.size()), MPI_INT64_T, MPI_SUM,
                world_.comm);
  for (int target = 0; target < world_.size; ++target) {
    world_.checks.Equal("what all have counted", CounterOf(target),
                        sums[static_cast<size_t>(target)]);
  }
}

}  // namespace tombolo::mpi_check

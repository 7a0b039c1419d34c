#include <memory>
#include <thread>
#include <vector>

#include "tests/mpi/groups.h"
#include "tests/mpi/window.h"

namespace tombolo::mpi_check {
namespace {

constexpr int kTag = 2000;
constexpr int kThreads = 3;
constexpr int kRounds = 20;
constexpr size_t kBytes = 9000;

// Each thread has a window of its own, and operates on those of all ranks.
void PutAndGetBack(World& world, const Window& window, int thread) {
  const size_t place = static_cast<size_t>(world.rank) * kBytes;
  std::vector<std::byte> sent(kBytes);
  MPI_Win_lock_all(0, window.win());
  for (int round = 0; round < kRounds; ++round) {
    const Origin own = {world.rank, kTag + thread * kRounds + round, kBytes};
    Fill(own, sent);
    for (int target = 0; target < world.size; ++target) {
      Put(window, target, place, sent);
      MPI_Win_flush(target, window.win());
      GuardedBuffer back(kBytes);
      Get(window, target, place, back.payload());
      MPI_Win_flush(target, window.win());
      world.checks.Payload("what a thread got back", own, back.payload());
      back.CheckGuards(world.checks);
    }
  }
  MPI_Win_unlock_all(window.win());
}

}  // namespace

void CheckWindowThreads(World& world) {
  for (const WindowMemory kind : kAllWindowMemory) {
    std::vector<std::unique_ptr<Window>> windows;
    for (int thread = 0; thread < kThreads; ++thread) {
      windows.push_back(
          std::make_unique<Window>(world.comm, kind, kBytes * static_cast<size_t>(world.size)));
    }
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&world, &windows, thread] {
        PutAndGetBack(world, *windows[static_cast<size_t>(thread)], thread);
      });
    }
    threads.clear();
    MPI_Barrier(world.comm);
  }
}

}  // namespace tombolo::mpi_check

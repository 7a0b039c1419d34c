#include <thread>
#include <vector>

#include "tests/mpi/groups.h"
#include "tests/mpi/sizes.h"

namespace tombolo::mpi_check {
namespace {

constexpr int kTag = 800;
constexpr int kThreads = 4;
constexpr size_t kLargestBytesHere = size_t{256} << 10;

// Thread t of each rank talks to thread t of its neighbours, under a tag of its own.
void ShiftAll(World& world, int thread) {
  const int next = (world.rank + 1) % world.size;
  const int previous = (world.rank - 1 + world.size) % world.size;
  const int tag = kTag + thread;
  for (const size_t bytes : SwitchSizes(kLargestBytesHere)) {
    Incoming incoming(world, previous, tag, bytes);
    Outgoing outgoing(world, next, tag, bytes,
                      thread % 2 == 0 ? SendMode::kStandard : SendMode::kSynchronous);
    incoming.Expect({previous, tag, bytes});
  }
}

}  // namespace

void CheckThreads(World& world) {
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&world, thread] { ShiftAll(world, thread); });
  }
}

}  // namespace tombolo::mpi_check

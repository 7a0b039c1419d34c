#include <vector>

#include "tests/mpi/groups.h"
#include "tests/mpi/window.h"

namespace tombolo::mpi_check {
namespace {

constexpr int kTag = 1500;
constexpr size_t kSizes[] = {0, 1, 8, 13, 1000, 1900, 1913, 5000, 33'000, 300'001, 1'500'000};
constexpr size_t kGapBytes = 24;

int Above(const World& world, int distance) { return (world.rank + distance) % world.size; }
int Below(const World& world, int distance) {
  return (world.rank - distance + world.size) % world.size;
}

std::vector<std::byte> Filled(const Origin& origin) {
  std::vector<std::byte> bytes(origin.bytes);
  Fill(origin, bytes);
  return bytes;
}

// The window holds what `source` put at kGapBytes, and nothing else was written.
void CheckWindow(World& world, const Window& window, const Origin& origin) {
  const std::span<std::byte> memory = window.memory();
  world.checks.Payload("what was put", origin, memory.subspan(kGapBytes, origin.bytes));
  world.checks.Untouched("before a put", memory.first(kGapBytes), kGuard);
  world.checks.Untouched("behind a put", memory.subspan(kGapBytes + origin.bytes), kGuard);
}

void FenceOnce(World& world, WindowMemory kind, int distance, size_t bytes) {
  Window window(world.comm, kind, bytes + 2 * kGapBytes);
  const Origin own = {world.rank, kTag + distance, bytes};
  const std::vector<std::byte> sent = Filled(own);
  MPI_Win_fence(0, window.win());
  Put(window, Above(world, distance), kGapBytes, sent);
  MPI_Win_fence(0, window.win());
  CheckWindow(world, window, {Below(world, distance), kTag + distance, bytes});
  GuardedBuffer back(bytes);
  Get(window, Above(world, distance), kGapBytes, back.payload());
  MPI_Win_fence(0, window.win());
  world.checks.Payload("what was got back", own, back.payload());
  back.CheckGuards(world.checks);
}

MPI_Group GroupOf(const World& world, int rank) {
  MPI_Group all;
  MPI_Comm_group(world.comm, &all);
  MPI_Group one;
  MPI_Group_incl(all, 1, &rank, &one);
  MPI_Group_free(&all);
  return one;
}

void PostStartOnce(World& world, const Window& window, int distance, int round) {
  const size_t bytes = window.memory().size() - 2 * kGapBytes;
  const std::vector<std::byte> sent = Filled({world.rank, kTag + round, bytes});
  MPI_Group sources = GroupOf(world, Below(world, distance));
  MPI_Group targets = GroupOf(world, Above(world, distance));
  MPI_Win_post(sources, 0, window.win());
  MPI_Win_start(targets, 0, window.win());
  Put(window, Above(world, distance), kGapBytes, sent);
  MPI_Win_complete(window.win());
  MPI_Win_wait(window.win());
  CheckWindow(world, window, {Below(world, distance), kTag + round, bytes});
  MPI_Group_free(&sources);
  MPI_Group_free(&targets);
}

// Everybody puts into a place of its own at everybody, and gets it back.
void LockEach(World& world, const Window& window, size_t bytes, int lock) {
  const size_t place = static_cast<size_t>(world.rank) * bytes;
  const Origin own = {world.rank, kTag + lock, bytes};
  const std::vector<std::byte> sent = Filled(own);
  for (int distance = 0; distance < world.size; ++distance) {
    const int target = Above(world, distance);
    MPI_Win_lock(lock, target, 0, window.win());
    Put(window, target, place, sent);
    MPI_Win_unlock(target, window.win());
    GuardedBuffer back(bytes);
    MPI_Win_lock(MPI_LOCK_SHARED, target, 0, window.win());
    Get(window, target, place, back.payload());
    MPI_Win_unlock(target, window.win());
    world.checks.Payload("what was got back under a lock", own, back.payload());
    back.CheckGuards(world.checks);
  }
}

void LockAll(World& world, const Window& window, size_t bytes) {
  const size_t place = static_cast<size_t>(world.rank) * bytes;
  const Origin own = {world.rank, kTag + 99, bytes};
  const std::vector<std::byte> sent = Filled(own);
  MPI_Win_lock_all(0, window.win());
  for (int target = 0; target < world.size; ++target) Put(window, target, place, sent);
  MPI_Win_flush_all(window.win());
  for (int target = 0; target < world.size; ++target) {
    GuardedBuffer back(bytes);
    Get(window, target, place, back.payload());
    MPI_Win_flush(target, window.win());
    world.checks.Payload("what was got back after a flush", own, back.payload());
    back.CheckGuards(world.checks);
  }
  MPI_Win_unlock_all(window.win());
}

}  // namespace

void CheckFence(World& world) {
  for (const WindowMemory kind : kAllWindowMemory) {
    for (const size_t bytes : kSizes) {
      for (int distance = 1; distance < world.size; ++distance) {
        FenceOnce(world, kind, distance, bytes);
      }
    }
  }
}

void CheckPostStart(World& world) {
  for (const WindowMemory kind : kAllWindowMemory) {
    for (const size_t bytes : kSizes) {
      Window window(world.comm, kind, bytes + 2 * kGapBytes);
      int round = 0;
      for (int distance = 1; distance < world.size; ++distance) {
        for (int i = 0; i < 3; ++i) PostStartOnce(world, window, distance, round++);
      }
    }
  }
}

void CheckLocks(World& world) {
  for (const WindowMemory kind : kAllWindowMemory) {
    for (const size_t bytes : {size_t{8}, size_t{1999}, size_t{100'000}}) {
      Window window(world.comm, kind, bytes * static_cast<size_t>(world.size));
      LockEach(world, window, bytes, MPI_LOCK_EXCLUSIVE);
      LockEach(world, window, bytes, MPI_LOCK_SHARED);
      LockAll(world, window, bytes);
      MPI_Barrier(world.comm);
      for (int source = 0; source < world.size; ++source) {
        world.checks.Payload("a place of a window", {source, kTag + 99, bytes},
                             window.memory().subspan(static_cast<size_t>(source) * bytes, bytes));
      }
    }
  }
}

}  // namespace tombolo::mpi_check

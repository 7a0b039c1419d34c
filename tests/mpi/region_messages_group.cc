#include <span>

#include "tests/mpi/groups.h"
#include "tests/mpi/sizes.h"

namespace tombolo::mpi_check {
namespace {

constexpr int kTag = 1900;
constexpr int kRounds = 3;
constexpr size_t kHere[] = {
    1, 1000, 65'536, 524'287, 524'288, 524'289, 1'000'003, kLargestBytes - 1, kLargestBytes};

class AllocMem {
 public:
  explicit AllocMem(size_t bytes) : bytes_(bytes) {
    MPI_Alloc_mem(static_cast<MPI_Aint>(bytes), MPI_INFO_NULL, &memory_);
  }
  AllocMem(const AllocMem&) = delete;
  AllocMem& operator=(const AllocMem&) = delete;
  ~AllocMem() { MPI_Free_mem(memory_); }

  std::span<std::byte> bytes() const { return {memory_, bytes_}; }

 private:
  std::byte* memory_ = nullptr;
  size_t bytes_;
};

// Into ordinary memory, and into memory of MPI_Alloc_mem.
void Shift(World& world, const AllocMem& from, const AllocMem& to, int distance, size_t bytes) {
  const int next = (world.rank + distance) % world.size;
  const int previous = (world.rank - distance + world.size) % world.size;
  const int tag = kTag + distance;
  // Not at its beginning: what lies before and behind must not come along.
  const std::span<std::byte> sent = from.bytes().subspan(kGuardBytes, bytes);
  Fill({world.rank, tag, bytes}, sent);
  Incoming incoming(world, previous, tag, bytes);
  MPI_Send(sent.data(), static_cast<int>(bytes), MPI_BYTE, next, tag, world.comm);
  incoming.Expect({previous, tag, bytes});

  MPI_Status status;
  MPI_Sendrecv(sent.data(), static_cast<int>(bytes), MPI_BYTE, next, tag, to.bytes().data(),
               static_cast<int>(bytes), MPI_BYTE, previous, tag, world.comm, &status);
  CheckStatus(world.checks, status, {previous, tag, bytes});
  world.checks.Payload("a message between memories of MPI_Alloc_mem", {previous, tag, bytes},
                       to.bytes().first(bytes));
}

}  // namespace

void CheckRegionMessages(World& world) {
  for (int round = 0; round < kRounds; ++round) {
    const AllocMem from(kLargestBytes + 2 * kGuardBytes);
    const AllocMem to(kLargestBytes);
    for (const size_t bytes : kHere) {
      for (int distance = 1; distance < world.size; ++distance) {
        Shift(world, from, to, distance, bytes);
      }
    }
    // Nobody frees what is still being read.
    MPI_Barrier(world.comm);
  }
}

}  // namespace tombolo::mpi_check

#include "tests/mpi/soak/collective.h"

#include <vector>

#include "tests/mpi/blocks.h"
#include "tests/mpi/soak/random.h"

namespace tombolo::mpi_check {
namespace {

constexpr size_t kMostBroadcastBytes = size_t{300} << 10;
constexpr size_t kMostBlockBytes = size_t{20} << 10;
constexpr size_t kMostNumbers = 5000;

void Broadcast(World& world, Random& random, int round) {
  const int root = random.Below(world.size);
  const Origin origin = {root, round, random.Below(kMostBroadcastBytes)};
  std::vector<std::byte> payload(origin.bytes);
  if (world.rank == root) Fill(origin, payload);
  MPI_Bcast(payload.data(), static_cast<int>(payload.size()), MPI_BYTE, root, world.comm);
  world.checks.Payload("broadcast", origin, payload);
}

void Sum(World& world, Random& random, int round) {
  const size_t count = 1 + random.Below(kMostNumbers);
  std::vector<int64_t> own(count);
  std::vector<int64_t> sums(count, -1);
  FillValues(world.rank, round, own);
  MPI_Allreduce(own.data(), sums.data(), static_cast<int>(count), MPI_INT64_T, MPI_SUM, world.comm);
  for (size_t i = 0; i < count; ++i) {
    int64_t expected = 0;
    for (int source = 0; source < world.size; ++source) expected += Value(source, round, i);
    if (sums[i] != expected) return world.checks.Equal("a sum of all", sums[i], expected);
  }
  world.checks.Equal("sums of all that are right", 1, 1);
}

// A block from each to each; all blocks of one sender are equally long.
void ExchangeBlocks(World& world, Random& random, int round) {
  std::vector<size_t> bytes_of;
  for (int source = 0; source < world.size; ++source) {
    bytes_of.push_back(random.Below(kMostBlockBytes));
  }
  const size_t own_bytes = bytes_of[static_cast<size_t>(world.rank)];
  Blocks out(std::vector<size_t>(static_cast<size_t>(world.size), own_bytes));
  for (int target = 0; target < world.size; ++target)
    Fill({world.rank, round, own_bytes}, out[target]);
  Blocks in(bytes_of);
  MPI_Alltoallv(out.data(), out.counts(), out.displacements(), MPI_BYTE, in.data(), in.counts(),
                in.displacements(), MPI_BYTE, world.comm);
  CheckFromEach(world, "a block of all to all", in, round);
}

}  // namespace

void RunCollective(World& world, const RoundPlan& plan, int round) {
  constexpr void (*kKinds[])(World&, Random&, int) = {Broadcast, Sum, ExchangeBlocks};
  Random random(plan.seed);
  kKinds[random.Below(std::size(kKinds))](world, random, round);
}

}  // namespace tombolo::mpi_check

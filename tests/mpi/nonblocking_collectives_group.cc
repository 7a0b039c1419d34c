#include <vector>

#include "tests/mpi/groups.h"

namespace tombolo::mpi_check {
namespace {

constexpr int kTag = 31;
constexpr size_t kSizes[] = {1, 100, 3000, 10'000, 100'000};

// The buffers of the collectives that are open at once.
struct Open {
  explicit Open(const World& world, size_t bytes)
      : broadcast(bytes),
        own(bytes),
        gathered(bytes * static_cast<size_t>(world.size)),
        to_each(gathered.size()),
        from_each(gathered.size()),
        values(bytes),
        sums(bytes) {}

  std::vector<std::byte> broadcast;
  std::vector<std::byte> own;
  std::vector<std::byte> gathered;
  std::vector<std::byte> to_each;
  std::vector<std::byte> from_each;
  std::vector<int64_t> values;
  std::vector<int64_t> sums;
};

std::span<std::byte> Block(std::vector<std::byte>& all, int index, size_t bytes) {
  return std::span(all).subspan(bytes * static_cast<size_t>(index), bytes);
}

void FillAll(World& world, Open& open, int root) {
  const size_t bytes = open.own.size();
  if (world.rank == root) Fill({root, kTag, bytes}, open.broadcast);
  Fill({world.rank, kTag, bytes}, open.own);
  FillValues(world.rank, kTag, open.values);
  for (int to = 0; to < world.size; ++to) {
    Fill({world.rank, to, bytes}, Block(open.to_each, to, bytes));
  }
}

std::vector<MPI_Request> StartAll(World& world, Open& open, int root) {
  const int count = static_cast<int>(open.own.size());
  std::vector<MPI_Request> requests(5);
  MPI_Ibcast(open.broadcast.data(), count, MPI_BYTE, root, world.comm, &requests[0]);
  MPI_Iallgather(open.own.data(), count, MPI_BYTE, open.gathered.data(), count, MPI_BYTE,
                 world.comm, &requests[1]);
  MPI_Ialltoall(open.to_each.data(), count, MPI_BYTE, open.from_each.data(), count, MPI_BYTE,
                world.comm, &requests[2]);
  MPI_Iallreduce(open.values.data(), open.sums.data(), count, MPI_INT64_T, MPI_SUM, world.comm,
                 &requests[3]);
  MPI_Ibarrier(world.comm, &requests[4]);
  return requests;
}

void CheckAll(World& world, Open& open, int root) {
  const size_t bytes = open.own.size();
  world.checks.Payload("Ibcast", {root, kTag, bytes}, open.broadcast);
  for (int source = 0; source < world.size; ++source) {
    world.checks.Payload("Iallgather", {source, kTag, bytes}, Block(open.gathered, source, bytes));
    world.checks.Payload("Ialltoall", {source, world.rank, bytes},
                         Block(open.from_each, source, bytes));
  }
  for (size_t i = 0; i < bytes; ++i) {
    int64_t sum = 0;
    for (int rank = 0; rank < world.size; ++rank) sum += Value(rank, kTag, i);
    world.checks.Equal("Iallreduce", open.sums[i], sum);
  }
}

}  // namespace

void CheckNonblockingCollectives(World& world) {
  int root = 0;
  for (const size_t bytes : kSizes) {
    Open open(world, bytes);
    FillAll(world, open, root);
    std::vector<MPI_Request> requests = StartAll(world, open, root);
    {
      const int previous = (world.rank - 1 + world.size) % world.size;
      Incoming incoming(world, previous, kTag, bytes);
      Outgoing outgoing(world, (world.rank + 1) % world.size, kTag, bytes);
      incoming.Expect({previous, kTag, bytes});
    }
    MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE);
    CheckAll(world, open, root);
    root = (root + 1) % world.size;
  }
}

}  // namespace tombolo::mpi_check

#include <vector>

#include "tests/mpi/blocks.h"
#include "tests/mpi/groups.h"

namespace tombolo::mpi_check {
namespace {

constexpr size_t kBlockSizes[] = {0, 1, 7, 64, 1000, 4096, 5000, 33'000, 200'000};

// Ranks contribute different lengths, some of them nothing.
std::vector<size_t> Uneven(const World& world, size_t bytes) {
  std::vector<size_t> uneven;
  for (size_t rank = 0; rank < static_cast<size_t>(world.size); ++rank) {
    uneven.push_back(rank % 3 == 2 ? 0 : bytes / (rank + 1));
  }
  return uneven;
}

std::vector<std::byte> Own(const World& world, int tag, size_t bytes) {
  std::vector<std::byte> own(bytes);
  Fill({world.rank, tag, bytes}, own);
  return own;
}

void Barriers(World& world) {
  // Nobody leaves before the last has come: rank r's word is sent before the barrier and so is
  // there after it.
  for (int round = 0; round < 20; ++round) {
    const int late = round % world.size;
    MPI_Request request = MPI_REQUEST_NULL;
    if (world.rank == late) {
      for (int rank = 0; rank < world.size; ++rank) {
        if (rank != late) MPI_Send(&round, 1, MPI_INT, rank, round, world.comm);
      }
    }
    MPI_Barrier(world.comm);
    if (world.rank == late) continue;
    int seen = -1;
    MPI_Irecv(&seen, 1, MPI_INT, late, round, world.comm, &request);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    world.checks.Equal("message sent before the barrier", seen, round);
  }
}

void Broadcast(World& world, int root, size_t bytes) {
  GuardedBuffer buffer(bytes);
  if (world.rank == root) Fill({root, root, bytes}, buffer.payload());
  MPI_Bcast(buffer.payload().data(), static_cast<int>(bytes), MPI_BYTE, root, world.comm);
  world.checks.Payload("Bcast", {root, root, bytes}, buffer.payload());
  buffer.CheckGuards(world.checks);
}

void GatherToRoot(World& world, int root, size_t bytes) {
  const std::vector<std::byte> own = Own(world, root, bytes);
  const int count = static_cast<int>(bytes);
  std::vector<std::byte> all(bytes * static_cast<size_t>(world.size));
  MPI_Gather(own.data(), count, MPI_BYTE, all.data(), count, MPI_BYTE, root, world.comm);
  for (int source = 0; world.rank == root && source < world.size; ++source) {
    world.checks.Payload("Gather", {source, root, bytes},
                         std::span(all).subspan(bytes * static_cast<size_t>(source), bytes));
  }
  Blocks blocks(Uneven(world, bytes));
  const std::vector<std::byte> part = Own(world, root, blocks.bytes(world.rank));
  MPI_Gatherv(part.data(), static_cast<int>(part.size()), MPI_BYTE, blocks.data(), blocks.counts(),
              blocks.displacements(), MPI_BYTE, root, world.comm);
  if (world.rank == root) CheckFromEach(world, "Gatherv", blocks, root);
}

// The root's block for rank d carries tag d.
void ScatterFromRoot(World& world, int root, size_t bytes) {
  const int count = static_cast<int>(bytes);
  std::vector<std::byte> all(bytes * static_cast<size_t>(world.size));
  Blocks blocks(Uneven(world, bytes));
  for (int to = 0; world.rank == root && to < world.size; ++to) {
    Fill({root, to, bytes}, std::span(all).subspan(bytes * static_cast<size_t>(to), bytes));
    Fill({root, to, blocks.bytes(to)}, blocks[to]);
  }
  GuardedBuffer own(bytes);
  MPI_Scatter(all.data(), count, MPI_BYTE, own.payload().data(), count, MPI_BYTE, root, world.comm);
  world.checks.Payload("Scatter", {root, world.rank, bytes}, own.payload());
  own.CheckGuards(world.checks);
  GuardedBuffer part(blocks.bytes(world.rank));
  MPI_Scatterv(blocks.data(), blocks.counts(), blocks.displacements(), MPI_BYTE,
               part.payload().data(), blocks.counts()[world.rank], MPI_BYTE, root, world.comm);
  world.checks.Payload("Scatterv", {root, world.rank, blocks.bytes(world.rank)}, part.payload());
  part.CheckGuards(world.checks);
}

void AllGather(World& world, size_t bytes) {
  constexpr int kTag = 11;
  const std::vector<std::byte> own = Own(world, kTag, bytes);
  const int count = static_cast<int>(bytes);
  std::vector<std::byte> all(bytes * static_cast<size_t>(world.size));
  MPI_Allgather(own.data(), count, MPI_BYTE, all.data(), count, MPI_BYTE, world.comm);
  for (int source = 0; source < world.size; ++source) {
    world.checks.Payload("Allgather", {source, kTag, bytes},
                         std::span(all).subspan(bytes * static_cast<size_t>(source), bytes));
  }
  Blocks blocks(Uneven(world, bytes));
  const std::vector<std::byte> part = Own(world, kTag, blocks.bytes(world.rank));
  MPI_Allgatherv(part.data(), static_cast<int>(part.size()), MPI_BYTE, blocks.data(),
                 blocks.counts(), blocks.displacements(), MPI_BYTE, world.comm);
  CheckFromEach(world, "Allgatherv", blocks, kTag);
}

// The block from s to d carries tag d.
void AllToAll(World& world, size_t bytes) {
  const auto size = static_cast<size_t>(world.size);
  const int count = static_cast<int>(bytes);
  std::vector<std::byte> out(bytes * size);
  std::vector<std::byte> in(bytes * size);
  for (int to = 0; to < world.size; ++to) {
    Fill({world.rank, to, bytes}, std::span(out).subspan(bytes * static_cast<size_t>(to), bytes));
  }
  MPI_Alltoall(out.data(), count, MPI_BYTE, in.data(), count, MPI_BYTE, world.comm);
  for (int source = 0; source < world.size; ++source) {
    world.checks.Payload("Alltoall", {source, world.rank, bytes},
                         std::span(in).subspan(bytes * static_cast<size_t>(source), bytes));
  }
}

// What s sends to d depends on both; nothing for some pairs.
size_t PairBytes(int source, int destination, size_t bytes) {
  return (source + 2 * destination) % 4 == 3
             ? 0
             : bytes / static_cast<size_t>(1 + (source + destination) % 3);
}

void AllToAllUneven(World& world, size_t bytes) {
  std::vector<size_t> to_each;
  std::vector<size_t> from_each;
  for (int rank = 0; rank < world.size; ++rank) {
    to_each.push_back(PairBytes(world.rank, rank, bytes));
    from_each.push_back(PairBytes(rank, world.rank, bytes));
  }
  Blocks out(to_each);
  Blocks in_v(from_each);
  Blocks in_w(from_each);
  for (int to = 0; to < world.size; ++to) Fill({world.rank, to, out.bytes(to)}, out[to]);
  MPI_Alltoallv(out.data(), out.counts(), out.displacements(), MPI_BYTE, in_v.data(), in_v.counts(),
                in_v.displacements(), MPI_BYTE, world.comm);
  CheckFromEach(world, "Alltoallv", in_v, world.rank);
  // The same with another datatype for every other rank.
  std::vector<MPI_Datatype> types;
  for (int rank = 0; rank < world.size; ++rank) {
    types.push_back((rank + world.rank) % 2 == 0 ? MPI_BYTE : MPI_UNSIGNED_CHAR);
  }
  MPI_Alltoallw(out.data(), out.counts(), out.displacements(), types.data(), in_w.data(),
                in_w.counts(), in_w.displacements(), types.data(), world.comm);
  CheckFromEach(world, "Alltoallw", in_w, world.rank);
}

}  // namespace

void CheckCollectives(World& world) {
  Barriers(world);
  for (const size_t bytes : kBlockSizes) {
    for (int root = 0; root < world.size; ++root) {
      Broadcast(world, root, bytes * 3);
      GatherToRoot(world, root, bytes);
      ScatterFromRoot(world, root, bytes);
    }
    AllGather(world, bytes);
    AllToAll(world, bytes);
    AllToAllUneven(world, bytes);
  }
}

}  // namespace tombolo::mpi_check

#include <vector>

#include "tests/mpi/groups.h"

namespace tombolo::mpi_check {
namespace {

constexpr int kTag = 700;
constexpr size_t kSizes[] = {0, 1, 100, 3000, 30'000, 100'000};

World In(const World& world, MPI_Comm comm) {
  int rank;
  int size;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  return {comm, rank, size, world.checks};
}

// The same source and tag in two communicators: neither sees the other's message.
void TwinCommunicators(World& world) {
  MPI_Comm twin_comm;
  MPI_Comm_dup(world.comm, &twin_comm);
  World twin = In(world, twin_comm);
  const int next = (world.rank + 1) % world.size;
  const int previous = (world.rank - 1 + world.size) % world.size;
  for (const size_t bytes : kSizes) {
    Incoming in_twin(twin, previous, kTag, bytes);
    Incoming in_world(world, previous, kTag, bytes + 1);
    Outgoing to_world(world, next, kTag, bytes + 1);
    Outgoing to_twin(twin, next, kTag, bytes);
    in_twin.Expect({previous, kTag, bytes});
    in_world.Expect({previous, kTag, bytes + 1});
  }
  MPI_Comm_free(&twin_comm);
}

// Odd and even ranks apart, each counted from the top.
void SplitAndReversed(World& world) {
  MPI_Comm half_comm;
  MPI_Comm_split(world.comm, world.rank % 2, -world.rank, &half_comm);
  World half = In(world, half_comm);
  const int expected_size = (world.size + (world.rank % 2 == 0 ? 1 : 0)) / 2;
  world.checks.Equal("size of a split communicator", half.size, expected_size);
  world.checks.Equal("reversed rank", half.rank, expected_size - 1 - world.rank / 2);
  const int next = (half.rank + 1) % half.size;
  const int previous = (half.rank - 1 + half.size) % half.size;
  for (const size_t bytes : kSizes) {
    Incoming incoming(half, previous, kTag, bytes);
    Outgoing outgoing(half, next, kTag, bytes);
    incoming.Expect({previous, kTag, bytes});
  }
  MPI_Comm_free(&half_comm);
}

void ToSelfAndToNobody(World& world) {
  for (const size_t bytes : kSizes) {
    Incoming incoming(world, world.rank, kTag, bytes);
    Outgoing outgoing(world, world.rank, kTag, bytes);
    incoming.Expect({world.rank, kTag, bytes});
  }
  MPI_Status status;
  MPI_Sendrecv(nullptr, 0, MPI_BYTE, MPI_PROC_NULL, kTag, nullptr, 0, MPI_BYTE, MPI_PROC_NULL, kTag,
               world.comm, &status);
  world.checks.Equal("source of a message from nobody", status.MPI_SOURCE, MPI_PROC_NULL);
}

// A receive that nothing matches can be cancelled, and takes no later message away.
void CancelledReceive(World& world) {
  const int next = (world.rank + 1) % world.size;
  const int previous = (world.rank - 1 + world.size) % world.size;
  std::byte unused{};
  MPI_Request request;
  MPI_Irecv(&unused, 1, MPI_BYTE, previous, kTag, world.comm, &request);
  MPI_Cancel(&request);
  MPI_Status status;
  MPI_Wait(&request, &status);
  int cancelled = 0;
  MPI_Test_cancelled(&status, &cancelled);
  world.checks.Equal("receive is cancelled", cancelled, 1);
  MPI_Barrier(world.comm);
  Outgoing outgoing(world, next, kTag, 1);
  Incoming(world, previous, kTag, 1).Expect({previous, kTag, 1});
}

}  // namespace

void CheckCommunicators(World& world) {
  TwinCommunicators(world);
  SplitAndReversed(world);
  ToSelfAndToNobody(world);
  CancelledReceive(world);
}

}  // namespace tombolo::mpi_check

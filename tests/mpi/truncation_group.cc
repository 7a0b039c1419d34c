#include <vector>

#include "tests/mpi/groups.h"

namespace tombolo::mpi_check {
namespace {

constexpr int kTag = 500;
constexpr int kGoTag = 501;

struct Case {
  size_t sent_bytes;
  size_t room_bytes;
};

// Short, eager and rendezvous messages; cut by one byte, to half, to nothing.
constexpr Case kCases[] = {{1, 0},          {64, 63},       {1000, 1},         {4000, 0},
                           {4096, 2000},    {20000, 19999}, {40000, 0},        {65536, 100},
                           {200000, 40000}, {200000, 0},    {1 << 20, 1 << 19}};

int ErrorClass(int code) {
  int error_class;
  MPI_Error_class(code, &error_class);
  return error_class;
}

void ReceiveTooShort(World& world, int source, const Case& sizes, bool unexpected) {
  GuardedBuffer buffer(sizes.room_bytes);
  MPI_Request request;
  if (unexpected) {
    MPI_Recv(nullptr, 0, MPI_BYTE, source, kGoTag, world.comm, MPI_STATUS_IGNORE);
  }
  MPI_Irecv(buffer.payload().data(), static_cast<int>(sizes.room_bytes), MPI_BYTE, source, kTag,
            world.comm, &request);
  MPI_Status status;
  const int code = MPI_Wait(&request, &status);
  world.checks.Equal("error class of a truncated message", ErrorClass(code), MPI_ERR_TRUNCATE);
  world.checks.Equal("source of a truncated message", status.MPI_SOURCE, source);
  buffer.CheckGuards(world.checks);
}

void OnePair(World& world, int receiver, int sender, bool unexpected) {
  for (const Case& sizes : kCases) {
    if (world.rank == sender) {
      const std::vector<std::byte> cut(sizes.sent_bytes);
      MPI_Request request;
      MPI_Isend(cut.data(), static_cast<int>(cut.size()), MPI_BYTE, receiver, kTag, world.comm,
                &request);
      if (unexpected) MPI_Send(nullptr, 0, MPI_BYTE, receiver, kGoTag, world.comm);
      Outgoing(world, receiver, kTag, sizes.sent_bytes).Wait();
      MPI_Wait(&request, MPI_STATUS_IGNORE);
    } else if (world.rank == receiver) {
      ReceiveTooShort(world, sender, sizes, unexpected);
      const Origin origin = {sender, kTag, sizes.sent_bytes};
      Incoming(world, sender, kTag, sizes.sent_bytes).Expect(origin);
    }
  }
}

}  // namespace

void CheckTruncation(World& world) {
  MPI_Comm_set_errhandler(world.comm, MPI_ERRORS_RETURN);
  for (const bool unexpected : {false, true}) {
    OnePair(world, /*receiver=*/0, /*sender=*/1, unexpected);
    OnePair(world, /*receiver=*/world.size - 1, /*sender=*/0, unexpected);
  }
  MPI_Comm_set_errhandler(world.comm, MPI_ERRORS_ARE_FATAL);
}

}  // namespace tombolo::mpi_check

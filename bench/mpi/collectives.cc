#include <vector>

#include "bench/mpi/measurements.h"
#include "bench/mpi/stopwatch.h"

namespace tombolo::bench {
namespace {

constexpr int kTag = 2;

}  // namespace

Measured Allreduce(const Group& group, const Command& command, const Buffers& buffers) {
  const int elements = static_cast<int>(command.bytes / sizeof(int64_t));
  return TimedNs(command.count, [&] {
    MPI_Allreduce(buffers.outgoing, buffers.incoming, elements, MPI_INT64_T, MPI_MAX, group.comm);
  });
}

Measured Alltoall(const Group& group, const Command& command, const Buffers& buffers) {
  const int bytes = static_cast<int>(command.bytes);
  return TimedNs(command.count, [&] {
    MPI_Alltoall(buffers.outgoing, bytes, MPI_BYTE, buffers.incoming, bytes, MPI_BYTE, group.comm);
  });
}

Measured Token(const Group& group, const Command& command, const Buffers& buffers) {
  const int bytes = static_cast<int>(command.bytes);
  const int next = (group.rank + 1) % group.size;
  const int previous = (group.rank + group.size - 1) % group.size;
  const auto send = [&] { MPI_Send(buffers.outgoing, bytes, MPI_BYTE, next, kTag, group.comm); };
  const double turn_ns = TimedNs(command.count, [&] {
    if (group.rank == 0) send();
    MPI_Recv(buffers.incoming, bytes, MPI_BYTE, previous, kTag, group.comm, MPI_STATUS_IGNORE);
    if (group.rank != 0) send();
  });
  return turn_ns / group.size;
}

}  // namespace tombolo::bench

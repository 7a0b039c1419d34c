#include "tests/mpi/message.h"

namespace tombolo::mpi_check {

void GuardedBuffer::CheckGuards(Checks& checks) const {
  const std::span<const std::byte> all(all_);
  checks.Untouched("guard before a buffer", all.first(kGuardBytes), kGuard);
  checks.Untouched("guard behind a buffer", all.last(kGuardBytes), kGuard);
}

Outgoing::Outgoing(World& world, int destination, int tag, size_t bytes, SendMode mode)
    : buffer_(bytes) {
  Fill({world.rank, tag, bytes}, buffer_);
  const int count = static_cast<int>(bytes);
  switch (mode) {
    case SendMode::kStandard:
      MPI_Isend(buffer_.data(), count, MPI_BYTE, destination, tag, world.comm, &request_);
      break;
    case SendMode::kSynchronous:
      MPI_Issend(buffer_.data(), count, MPI_BYTE, destination, tag, world.comm, &request_);
      break;
    case SendMode::kBuffered:
      MPI_Ibsend(buffer_.data(), count, MPI_BYTE, destination, tag, world.comm, &request_);
      break;
  }
}

Incoming::Incoming(World& world, int source, int tag, size_t capacity_bytes)
    : world_(world), buffer_(capacity_bytes) {
  MPI_Irecv(buffer_.payload().data(), static_cast<int>(capacity_bytes), MPI_BYTE, source, tag,
            world.comm, &request_);
}

void Incoming::Expect(const Origin& origin) {
  MPI_Status status;
  MPI_Wait(&request_, &status);
  ExpectDone(origin, status);
}

void Incoming::ExpectDone(const Origin& origin, const MPI_Status& status) {
  CheckStatus(world_.checks, status, origin);
  world_.checks.Payload("message", origin, buffer_.payload().first(origin.bytes));
  world_.checks.Untouched("room behind a short message", buffer_.payload().subspan(origin.bytes),
                          kGuard);
  buffer_.CheckGuards(world_.checks);
}

void CheckStatus(Checks& checks, const MPI_Status& status, const Origin& origin) {
  int count = -1;
  MPI_Get_count(&status, MPI_BYTE, &count);
  checks.Envelope({status.MPI_SOURCE, status.MPI_TAG, static_cast<size_t>(count)}, origin);
}

}  // namespace tombolo::mpi_check

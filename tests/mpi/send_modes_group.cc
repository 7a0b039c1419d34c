#include <vector>

#include "tests/mpi/groups.h"
#include "tests/mpi/sizes.h"

namespace tombolo::mpi_check {
namespace {

constexpr int kTag = 200;
constexpr int kReadyTag = 201;
constexpr int kPersistentTag = 202;
constexpr int kGoTag = 203;
constexpr size_t kLargestModeBytes = size_t{256} << 10;
constexpr int kPersistentRounds = 5;

int Partner(const World& world) { return world.rank ^ 1; }

// MPI copies buffered messages here.
class BufferedSendMemory {
 public:
  BufferedSendMemory() : memory_(kLargestModeBytes + 2 * MPI_BSEND_OVERHEAD) {
    MPI_Buffer_attach(memory_.data(), static_cast<int>(memory_.size()));
  }
  ~BufferedSendMemory() {
    void* memory;
    int bytes;
    MPI_Buffer_detach(&memory, &bytes);
  }

 private:
  std::vector<std::byte> memory_;
};

void BothWays(World& world, size_t bytes, SendMode mode) {
  Incoming incoming(world, Partner(world), kTag, bytes);
  Outgoing outgoing(world, Partner(world), kTag, bytes, mode);
  incoming.Expect({Partner(world), kTag, bytes});
}

// Nobody receives until the sender has seen its synchronous send unfinished.
void SynchronousSendWaits(World& world, size_t bytes) {
  if (world.rank % 2 == 0) {
    std::vector<std::byte> buffer(bytes);
    Fill({world.rank, kTag, bytes}, buffer);
    MPI_Request request;
    MPI_Issend(buffer.data(), static_cast<int>(bytes), MPI_BYTE, Partner(world), kTag, world.comm,
               &request);
    int done = 0;
    for (int i = 0; i < 20 && !done; ++i) MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    world.checks.Equal("synchronous send without a receive is done", done, 0);
    MPI_Send(nullptr, 0, MPI_BYTE, Partner(world), kGoTag, world.comm);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
  } else {
    MPI_Recv(nullptr, 0, MPI_BYTE, Partner(world), kGoTag, world.comm, MPI_STATUS_IGNORE);
    Incoming(world, Partner(world), kTag, bytes).Expect({Partner(world), kTag, bytes});
  }
}

// A ready send is allowed once the receive is posted: the receiver says so.
void ReadySend(World& world, size_t bytes) {
  if (world.rank % 2 == 0) {
    std::vector<std::byte> buffer(bytes);
    Fill({world.rank, kReadyTag, bytes}, buffer);
    MPI_Recv(nullptr, 0, MPI_BYTE, Partner(world), kGoTag, world.comm, MPI_STATUS_IGNORE);
    MPI_Rsend(buffer.data(), static_cast<int>(bytes), MPI_BYTE, Partner(world), kReadyTag,
              world.comm);
  } else {
    Incoming incoming(world, Partner(world), kReadyTag, bytes);
    MPI_Send(nullptr, 0, MPI_BYTE, Partner(world), kGoTag, world.comm);
    incoming.Expect({Partner(world), kReadyTag, bytes});
  }
}

void Persistent(World& world, size_t bytes) {
  std::vector<std::byte> out(bytes);
  std::vector<std::byte> in(bytes);
  const int count = static_cast<int>(bytes);
  MPI_Request requests[2];
  MPI_Recv_init(in.data(), count, MPI_BYTE, Partner(world), kPersistentTag, world.comm,
                &requests[0]);
  MPI_Send_init(out.data(), count, MPI_BYTE, Partner(world), kPersistentTag, world.comm,
                &requests[1]);
  for (int round = 0; round < kPersistentRounds; ++round) {
    Fill({world.rank, round, bytes}, out);
    MPI_Startall(2, requests);
    MPI_Waitall(2, requests, MPI_STATUSES_IGNORE);
    world.checks.Payload("persistent message", {Partner(world), round, bytes}, in);
  }
  MPI_Request_free(&requests[0]);
  MPI_Request_free(&requests[1]);
}

void ReplacedInPlace(World& world, size_t bytes) {
  std::vector<std::byte> buffer(bytes);
  Fill({world.rank, kTag, bytes}, buffer);
  MPI_Sendrecv_replace(buffer.data(), static_cast<int>(bytes), MPI_BYTE, Partner(world), kTag,
                       Partner(world), kTag, world.comm, MPI_STATUS_IGNORE);
  world.checks.Payload("Sendrecv_replace", {Partner(world), kTag, bytes}, buffer);
}

}  // namespace

void CheckSendModes(World& world) {
  if (Partner(world) >= world.size) return;
  const BufferedSendMemory memory;
  for (const size_t bytes : SwitchSizes(kLargestModeBytes)) {
    BothWays(world, bytes, SendMode::kSynchronous);
    if (bytes <= kLargestModeBytes / 2) BothWays(world, bytes, SendMode::kBuffered);
    SynchronousSendWaits(world, bytes);
    ReadySend(world, bytes);
    ReplacedInPlace(world, bytes);
    Persistent(world, bytes);
  }
}

}  // namespace tombolo::mpi_check

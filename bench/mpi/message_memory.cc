#include "bench/mpi/message_memory.h"

#include <mpi.h>
#include <string.h>

#include "bench/transport/private_memory.h"
#include "bench/transport/require.h"

namespace tombolo::bench {
namespace {

void Allocate(std::byte*& memory) {
  MPI_Alloc_mem(MessageMemory::kMostBytes, MPI_INFO_NULL, &memory);
  memset(memory, 1, MessageMemory::kMostBytes);
}

}  // namespace

MessageMemory::MessageMemory()
    : private_{PrivateMemory(kMostBytes).Data(), PrivateMemory(kMostBytes).Data()} {}

Buffers MessageMemory::For(const Command& command) {
  if (command.bytes > kMostBytes) Fail("no memory for so large a message");
  if (!command.is_allocated) return private_;
  if (allocated_.outgoing == nullptr) {
    Allocate(allocated_.outgoing);
    Allocate(allocated_.incoming);
  }
  return allocated_;
}

}  // namespace tombolo::bench

// MessageMemory: where a rank's messages lie, the same for all measurements.
#pragma once

#include <cstddef>

#include "bench/mpi/command.h"

namespace tombolo::bench {

struct Buffers {
  std::byte* outgoing = nullptr;
  std::byte* incoming = nullptr;
};

class MessageMemory {
 public:
  static constexpr size_t kMostBytes = size_t{16} << 20;

  // After MPI_Init. Never freed: a bench ends soon.
  MessageMemory();

  // kMostBytes each; the process ends if command.bytes is more.
  Buffers For(const Command& command);

 private:
  Buffers private_;
  Buffers allocated_;  // From MPI_Alloc_mem, once somebody asks.
};

}  // namespace tombolo::bench

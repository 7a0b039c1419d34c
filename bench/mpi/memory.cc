#include <string.h>

#include "bench/mpi/fresh_data.h"
#include "bench/mpi/measurements.h"
#include "bench/mpi/stopwatch.h"

namespace tombolo::bench {

Measured Copy(const Group& group, const Command& command, const Buffers& buffers) {
  if (group.rank != 0) return std::nullopt;
  return TimedNs(command.count, [&] { memcpy(buffers.incoming, buffers.outgoing, command.bytes); });
}

Measured WriteAndRead(const Group& group, const Command& command, const Buffers& buffers) {
  if (group.rank != 0) return std::nullopt;
  FreshData fresh(command);
  return TimedNs(command.count, [&] {
    fresh.Write(buffers.outgoing);
    fresh.Read(buffers.outgoing);
  });
}

}  // namespace tombolo::bench

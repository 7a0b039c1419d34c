// What the ranks of a job can measure. All enter a measurement at the same time, with the same
// command; those that measure something give it, the others nullopt. Nothing here knows which
// transport carries the messages.
#pragma once

#include <optional>

#include "bench/mpi/command.h"
#include "bench/mpi/group.h"
#include "bench/mpi/message_memory.h"

namespace tombolo::bench {

using Measured = std::optional<double>;
using Measure = Measured (*)(const Group& group, const Command& command, const Buffers& buffers);

// Half a round trip, in ns.
Measured Latency(const Group& group, const Command& command, const Buffers& buffers);
// Of the first pair, while all others wait in MPI_Barrier.
Measured LatencyAmongWaiting(const Group& group, const Command& command, const Buffers& buffers);

// Messages in one direction, `window` at once, each window answered: ns per message.
Measured Stream(const Group& group, const Command& command, const Buffers& buffers);

// Messages in both directions, `window` at once in each: ns per message, of all.
Measured Exchange(const Group& group, const Command& command, const Buffers& buffers);

// One operation on 8 bytes of the partner, done when it returns: ns. nullopt on all ranks: Open MPI
// has no windows over this transport.
Measured Put(const Group& group, const Command& command, const Buffers& buffers);
Measured Get(const Group& group, const Command& command, const Buffers& buffers);
Measured FetchAdd(const Group& group, const Command& command, const Buffers& buffers);

// ns per operation.
Measured Allreduce(const Group& group, const Command& command, const Buffers& buffers);
Measured Alltoall(const Group& group, const Command& command, const Buffers& buffers);
// A message that goes around all ranks: ns per rank.
Measured Token(const Group& group, const Command& command, const Buffers& buffers);

// The share of a core that a rank uses that waits in MPI_Recv for `count` seconds.
Measured Wait(const Group& group, const Command& command, const Buffers& buffers);

// Without messages: memcpy, and what FreshData does with a message, by the first rank alone: ns.
Measured Copy(const Group& group, const Command& command, const Buffers& buffers);
Measured WriteAndRead(const Group& group, const Command& command, const Buffers& buffers);

}  // namespace tombolo::bench

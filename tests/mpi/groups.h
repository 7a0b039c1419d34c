// The groups of checks, one per file. Every rank of the world runs the same groups in the same
// order, and each group leaves no message behind.
#pragma once

#include "tests/mpi/message.h"

namespace tombolo::mpi_check {

// Every size between every two ranks, both directions at once; small and large in turn.
void CheckSizes(World& world);

// Standard, synchronous, buffered, ready and persistent sends; a synchronous one ends only after
// its receive began.
void CheckSendModes(World& world);

// Vectors, structs with gaps and indexed blocks, strided on either side or both.
void CheckDatatypes(World& world);

// Wildcards, probes, and messages of one sender that must not overtake each other.
void CheckMatching(World& world);

// A message longer than its receive: MPI_ERR_TRUNCATE, nothing written behind the buffer, and the
// next one is good.
void CheckTruncation(World& world);

// Messages that arrive before their receive is posted, matched in another order than they came.
void CheckUnexpected(World& world);

// Many requests open at once in both directions, and everybody to everybody.
void CheckWindows(World& world);

// Several communicators with the same tags at once, reversed ranks, messages to oneself and to
// nobody.
void CheckCommunicators(World& world);

// Barrier, Bcast, Gather(v), Scatter(v), Allgather(v), Alltoall(v, w).
void CheckCollectives(World& world);

// Reduce, Allreduce, Reduce_scatter(_block), Scan and Exscan, also with an operation that does not
// commute.
void CheckReductions(World& world);

// Ibarrier, Ibcast, Iallgather, Ialltoall and Iallreduce open at once, with messages between them.
void CheckNonblockingCollectives(World& world);

// All other nonblocking collectives, open at once: with a root, with uneven blocks, prefixes.
void CheckRootedNonblocking(World& world);

// Several threads of each rank send and receive at once. Only under MPI_THREAD_MULTIPLE.
void CheckThreads(World& world);

}  // namespace tombolo::mpi_check

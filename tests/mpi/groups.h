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

// One-sided: put and get between fences, over windows of ordinary memory, of MPI_Alloc_mem and of
// MPI_Win_allocate; so are all that follow.
void CheckFence(World& world);

// One-sided: put between post and wait, start and complete.
void CheckPostStart(World& world);

// One-sided: put and get under locks of one rank and of all, with flushes.
void CheckLocks(World& world);

// One-sided: accumulate and get_accumulate, of one number and of many.
void CheckAccumulate(World& world);

// One-sided: fetch_and_op and compare_and_swap on counters that everybody counts on at once.
void CheckAtomics(World& world);

// Messages from and to memory of MPI_Alloc_mem, small and large.
void CheckRegionMessages(World& world);

// One-sided: several threads of each rank, each with its own window. Only under
// MPI_THREAD_MULTIPLE.
void CheckWindowThreads(World& world);

}  // namespace tombolo::mpi_check

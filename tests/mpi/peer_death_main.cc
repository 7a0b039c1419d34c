// Rank 1 kills itself while rank 0 waits for it. Rank 0 must not wait for ever: run under a
// deadline.
//
// Usage: mpirun -n 2 ... peer_death (linked | stranger | killed | window)
//   linked    the two exchange messages first
//   stranger  they never do
//   killed    as linked, but rank 1 waits too: somebody kills it, or its machine, once rank 0 has
//             said "waiting"
//   window    rank 0 reads from a window of rank 1, again and again, and does not receive
#include <mpi.h>
#include <signal.h>

#include <cstdint>
#include <cstdio>
#include <string_view>

namespace {

constexpr int kTag = 1;
constexpr int kRounds = 100;

void Exchange(int partner) {
  for (int i = 0; i < kRounds; ++i) {
    int seen = 0;
    MPI_Sendrecv(&i, 1, MPI_INT, partner, kTag, &seen, 1, MPI_INT, partner, kTag, MPI_COMM_WORLD,
                 MPI_STATUS_IGNORE);
  }
}

// Ends when the window's owner is dead, or never.
void ReadFor(MPI_Win win, int owner) {
  for (;;) {
    int64_t seen = 0;
    MPI_Win_lock(MPI_LOCK_SHARED, owner, 0, win);
    MPI_Get(&seen, 1, MPI_INT64_T, owner, 0, 1, MPI_INT64_T, win);
    MPI_Win_unlock(owner, win);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view kind = argc == 2 ? argv[1] : "";
  if (kind != "linked" && kind != "stranger" && kind != "killed" && kind != "window") {
    std::fprintf(stderr, "usage: peer_death (linked | stranger | killed | window)\n");
    return 2;
  }
  MPI_Init(&argc, &argv);
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  static int64_t memory = 0;
  MPI_Win win = MPI_WIN_NULL;
  if (kind == "window") {
    MPI_Win_create(&memory, sizeof(memory), 1, MPI_INFO_NULL, MPI_COMM_WORLD, &win);
  }
  if (kind != "stranger") Exchange(rank ^ 1);
  if (rank == 1 && kind != "killed") raise(SIGKILL);
  if (rank == 0) {
    std::printf("waiting\n");
    std::fflush(stdout);
  }
  if (kind == "window") ReadFor(win, 1);
  int never = 0;
  MPI_Recv(&never, 1, MPI_INT, rank ^ 1, kTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  std::printf("MPI_Recv returned\n");
  MPI_Finalize();
  return 1;
}

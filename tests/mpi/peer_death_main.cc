// Rank 1 kills itself while rank 0 waits for it. Rank 0 must not wait for ever: run under a
// deadline.
//
// Usage: mpirun -n 2 ... peer_death (linked | stranger)
//   linked    the two exchange messages first
//   stranger  they never do
#include <mpi.h>
#include <signal.h>

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

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 ||
      (std::string_view(argv[1]) != "linked" && std::string_view(argv[1]) != "stranger")) {
    std::fprintf(stderr, "usage: peer_death (linked | stranger)\n");
    return 2;
  }
  MPI_Init(&argc, &argv);
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (std::string_view(argv[1]) == "linked") Exchange(rank ^ 1);
  if (rank == 1) raise(SIGKILL);
  int never = 0;
  MPI_Recv(&never, 1, MPI_INT, 1, kTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  std::printf("MPI_Recv returned\n");
  MPI_Finalize();
  return 1;
}

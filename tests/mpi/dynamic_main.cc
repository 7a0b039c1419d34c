// Checks messages between jobs that did not begin together.
//
// Usage: mpirun ... dynamic (spawn | connect)
//   spawn    the job starts a second one; both are checked as one communicator
//   connect  the job starts two others, which have never heard of each other: one accepts, the
//   other
//            connects, and those are checked as one communicator
//
// Exit codes: 0 everything passed, 1 a check failed, 2 usage.
#include <mpi.h>

#include <cstdio>
#include <string_view>

#include "tests/mpi/groups.h"

namespace tombolo::mpi_check {
namespace {

constexpr int kStartedRanks = 2;
constexpr int kPortTag = 1;

// What a job is told that was started.
constexpr const char* kSpawned = "spawned";
constexpr const char* kAccepting = "accepting";
constexpr const char* kConnecting = "connecting";

// Both sides of `between` as one communicator. Whether every check of every rank passed.
bool CheckAsOne(MPI_Comm between, bool is_second, const char* what) {
  MPI_Comm both;
  MPI_Intercomm_merge(between, is_second ? 1 : 0, &both);
  int rank;
  int size;
  MPI_Comm_rank(both, &rank);
  MPI_Comm_size(both, &size);
  Checks checks(rank);
  World world = {both, rank, size, checks};
  checks.Begin(what);
  for (const auto run : {CheckSizes, CheckUnexpected, CheckCommunicators, CheckCollectives,
                         CheckFence, CheckAtomics}) {
    run(world);
  }
  const Tally own = checks.tally();
  Tally all;
  MPI_Allreduce(&own.passed, &all.passed, 1, MPI_INT64_T, MPI_SUM, both);
  MPI_Allreduce(&own.failed, &all.failed, 1, MPI_INT64_T, MPI_SUM, both);
  if (rank == 0) {
    std::printf("%s: %d ranks of 2 jobs: %ld checks failed, %ld checks passed\n", what, size,
                static_cast<long>(all.failed), static_cast<long>(all.passed));
  }
  MPI_Comm_free(&both);
  return all.failed == 0 && all.passed > 0;
}

// All ranks of this job, on one side; the new job is on the other.
MPI_Comm Start(const char* program, const char* role) {
  char* arguments[] = {const_cast<char*>(role), nullptr};
  MPI_Comm started;
  MPI_Comm_spawn(program, arguments, kStartedRanks, MPI_INFO_NULL, 0, MPI_COMM_WORLD, &started,
                 MPI_ERRCODES_IGNORE);
  return started;
}

bool Spawn(const char* program) {
  MPI_Comm started = Start(program, kSpawned);
  const bool good = CheckAsOne(started, false, "spawn");
  MPI_Comm_disconnect(&started);
  return good;
}

bool BeSpawned(MPI_Comm parent) {
  const bool good = CheckAsOne(parent, true, "spawn");
  MPI_Comm_disconnect(&parent);
  return good;
}

// Brings the two together: all that they learn of each other is the name of a port.
void Introduce(const char* program, int rank) {
  MPI_Comm accepting = Start(program, kAccepting);
  MPI_Comm connecting = Start(program, kConnecting);
  if (rank == 0) {
    char port[MPI_MAX_PORT_NAME] = {};
    MPI_Recv(port, sizeof(port), MPI_CHAR, 0, kPortTag, accepting, MPI_STATUS_IGNORE);
    MPI_Send(port, sizeof(port), MPI_CHAR, 0, kPortTag, connecting);
  }
  MPI_Comm_disconnect(&accepting);
  MPI_Comm_disconnect(&connecting);
}

bool Accept(MPI_Comm parent, int rank) {
  char port[MPI_MAX_PORT_NAME] = {};
  if (rank == 0) {
    MPI_Open_port(MPI_INFO_NULL, port);
    MPI_Send(port, sizeof(port), MPI_CHAR, 0, kPortTag, parent);
  }
  MPI_Comm other;
  MPI_Comm_accept(port, MPI_INFO_NULL, 0, MPI_COMM_WORLD, &other);
  const bool good = CheckAsOne(other, false, "connect");
  MPI_Comm_disconnect(&other);
  if (rank == 0) MPI_Close_port(port);
  MPI_Comm_disconnect(&parent);
  return good;
}

bool Connect(MPI_Comm parent, int rank) {
  char port[MPI_MAX_PORT_NAME] = {};
  if (rank == 0) {
    MPI_Recv(port, sizeof(port), MPI_CHAR, 0, kPortTag, parent, MPI_STATUS_IGNORE);
  }
  MPI_Comm other;
  MPI_Comm_connect(port, MPI_INFO_NULL, 0, MPI_COMM_WORLD, &other);
  const bool good = CheckAsOne(other, true, "connect");
  MPI_Comm_disconnect(&other);
  MPI_Comm_disconnect(&parent);
  return good;
}

int Main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  const std::string_view role = argc == 2 ? argv[1] : "";
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm parent;
  MPI_Comm_get_parent(&parent);
  bool good = true;
  if (role == "spawn") {
    good = Spawn(argv[0]);
  } else if (role == "connect") {
    Introduce(argv[0], rank);
  } else if (role == kSpawned) {
    good = BeSpawned(parent);
  } else if (role == kAccepting) {
    good = Accept(parent, rank);
  } else if (role == kConnecting) {
    good = Connect(parent, rank);
  } else {
    std::fprintf(stderr, "usage: mpirun ... dynamic (spawn | connect)\n");
    MPI_Finalize();
    return 2;
  }
  MPI_Finalize();
  return good ? 0 : 1;
}

}  // namespace
}  // namespace tombolo::mpi_check

int main(int argc, char** argv) { return tombolo::mpi_check::Main(argc, argv); }

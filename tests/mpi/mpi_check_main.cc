// Checks an MPI library: every group of groups.h in turn, on all ranks.
//
// Usage: mpirun ... mpi_check [--only GROUP] [--one-sided] [--threads] [--corrupt]
//   --only GROUP  this group alone
//   --one-sided   the groups of one-sided communication and MPI_Alloc_mem, and no others
//   --threads     ask for MPI_THREAD_MULTIPLE, and check with several threads per rank as well
//   --corrupt     rank 0 sends one wrong bit in each group, so each group has to fail
//
// Exit codes: 0 everything passed, 1 a check failed, 2 usage.
#include <mpi.h>

#include <cstdio>
#include <string_view>
#include <vector>

#include "tests/mpi/groups.h"

namespace tombolo::mpi_check {
namespace {

struct Group {
  std::string_view name;
  void (*run)(World& world);
  bool needs_threads = false;
  bool is_one_sided = false;
};

constexpr Group kGroups[] = {
    {"sizes", CheckSizes},
    {"send_modes", CheckSendModes},
    {"datatypes", CheckDatatypes},
    {"matching", CheckMatching},
    {"truncation", CheckTruncation},
    {"unexpected", CheckUnexpected},
    {"windows", CheckWindows},
    {"communicators", CheckCommunicators},
    {"collectives", CheckCollectives},
    {"reductions", CheckReductions},
    {"nonblocking_collectives", CheckNonblockingCollectives},
    {"rooted_nonblocking", CheckRootedNonblocking},
    {"threads", CheckThreads, /*needs_threads=*/true},
    {"fence", CheckFence, false, /*is_one_sided=*/true},
    {"post_start", CheckPostStart, false, /*is_one_sided=*/true},
    {"locks", CheckLocks, false, /*is_one_sided=*/true},
    {"accumulate", CheckAccumulate, false, /*is_one_sided=*/true},
    {"atomics", CheckAtomics, false, /*is_one_sided=*/true},
    {"region_messages", CheckRegionMessages, false, /*is_one_sided=*/true},
    {"window_threads", CheckWindowThreads, /*needs_threads=*/true, /*is_one_sided=*/true},
};

struct Options {
  std::string_view only;
  bool one_sided = false;
  bool threads = false;
  bool corrupt = false;
  bool valid = true;
};

Options Parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--threads") {
      options.threads = true;
    } else if (word == "--one-sided") {
      options.one_sided = true;
    } else if (word == "--corrupt") {
      options.corrupt = true;
    } else if (word == "--only" && i + 1 < argc) {
      options.only = argv[++i];
    } else {
      options.valid = false;
    }
  }
  return options;
}

// The tallies of all ranks together.
Tally Total(const World& world) {
  const Tally own = world.checks.tally();
  Tally total;
  MPI_Allreduce(&own.passed, &total.passed, 1, MPI_INT64_T, MPI_SUM, world.comm);
  MPI_Allreduce(&own.failed, &total.failed, 1, MPI_INT64_T, MPI_SUM, world.comm);
  return total;
}

Tally RunGroup(World& world, const Group& group, bool corrupt) {
  const double start = MPI_Wtime();
  world.checks.Begin(group.name);
  if (corrupt && world.rank == 0) ArmCorruption();
  group.run(world);
  const Tally total = Total(world);
  if (world.rank == 0) {
    std::printf("%-24s %8ld passed %6ld failed %7.2f s\n", group.name.data(),
                static_cast<long>(total.passed), static_cast<long>(total.failed),
                MPI_Wtime() - start);
    std::fflush(stdout);
  }
  return total;
}

// The checks of all groups that `options` ask for.
Tally RunGroups(World& world, const Options& options) {
  Tally all;
  for (const Group& group : kGroups) {
    if (group.needs_threads && !options.threads) continue;
    if (group.is_one_sided != options.one_sided) continue;
    if (!options.only.empty() && options.only != group.name) continue;
    const Tally total = RunGroup(world, group, options.corrupt);
    all.passed += total.passed;
    all.failed += total.failed;
  }
  return all;
}

// How many nodes Open MPI takes the ranks to be on.
int Nodes(const World& world) {
  MPI_Comm node;
  MPI_Comm_split_type(world.comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
  int rank_on_node;
  MPI_Comm_rank(node, &rank_on_node);
  MPI_Comm_free(&node);
  const int is_first = rank_on_node == 0 ? 1 : 0;
  int nodes;
  MPI_Allreduce(&is_first, &nodes, 1, MPI_INT, MPI_SUM, world.comm);
  return nodes;
}

int Report(const World& world, const Tally& all) {
  const bool good = all.failed == 0 && all.passed > 0;
  const int nodes = Nodes(world);
  if (world.rank == 0) {
    std::printf("%d ranks on %d nodes: ", world.size, nodes);
    if (!good) std::printf("%ld checks failed, ", static_cast<long>(all.failed));
    std::printf("%ld checks passed\n", static_cast<long>(all.passed));
  }
  return good ? 0 : 1;
}

int Main(int argc, char** argv) {
  const Options options = Parse(argc, argv);
  if (!options.valid) {
    std::fprintf(stderr, "usage: mpi_check [--only GROUP] [--one-sided] [--threads] [--corrupt]\n");
    return 2;
  }
  int provided;
  MPI_Init_thread(&argc, &argv, options.threads ? MPI_THREAD_MULTIPLE : MPI_THREAD_SINGLE,
                  &provided);
  int rank;
  int size;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  int exit_code = 2;
  if (size < 2) {
    std::fprintf(stderr, "error: mpi_check needs at least 2 ranks, it has %d.\n", size);
  } else {
    Checks checks(rank);
    World world = {MPI_COMM_WORLD, rank, size, checks};
    if (options.threads) checks.Equal("thread level", provided, MPI_THREAD_MULTIPLE);
    exit_code = Report(world, RunGroups(world, options));
  }
  MPI_Finalize();
  return exit_code;
}

}  // namespace
}  // namespace tombolo::mpi_check

int main(int argc, char** argv) { return tombolo::mpi_check::Main(argc, argv); }

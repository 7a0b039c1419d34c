// A soak of an MPI library: rounds of random messages, one-sided operations and collectives between
// all ranks, with pauses, every byte checked. Ends in order, on all ranks after the same round.
//
// Usage: mpirun ... soak [--seed N] [--seconds N] [--rounds N] [--corrupt]
//   --seed N     the same rounds as in another run with it; else it is chosen, and printed
//   --seconds N  how long (default 10)
//   --rounds N   how many rounds, however long they take
//   --corrupt    rank 0 sends one wrong bit, so it has to fail
//
// Rank 0 says "soak: begun" once every rank has talked with every other one.
// Exit codes: 0 everything was right, 1 something was not, 2 usage.
#include <mpi.h>
#include <poll.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>
#include <string_view>
#include <vector>

#include "tests/mpi/message.h"
#include "tests/mpi/soak/collective.h"
#include "tests/mpi/soak/exchange.h"
#include "tests/mpi/soak/one_sided.h"
#include "tests/mpi/soak/plan.h"

namespace tombolo::mpi_check {
namespace {

constexpr int kDefaultSeconds = 10;
// After so many all agree whether to go on.
constexpr int kRoundsPerLook = 16;
constexpr int kUsageCode = 2;

struct Options {
  std::optional<uint64_t> seed;
  double seconds = kDefaultSeconds;
  std::optional<int> rounds;
  bool corrupt = false;
  bool valid = true;
};

Options Parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const bool has_value = i + 1 < argc;
    if (word == "--corrupt") {
      options.corrupt = true;
    } else if (word == "--seed" && has_value) {
      options.seed = std::strtoull(argv[++i], nullptr, 10);
    } else if (word == "--seconds" && has_value) {
      options.seconds = std::strtod(argv[++i], nullptr);
    } else if (word == "--rounds" && has_value) {
      options.rounds = static_cast<int>(std::strtol(argv[++i], nullptr, 10));
    } else {
      options.valid = false;
    }
  }
  return options;
}

// What rank 0 has, on all ranks.
uint64_t AgreeOnSeed(const World& world, const Options& options) {
  uint64_t seed = options.seed ? *options.seed : std::random_device()();
  MPI_Bcast(&seed, 1, MPI_UINT64_T, 0, world.comm);
  return seed;
}

// Every pair of ranks talks.
void GreetEverybody(World& world) {
  constexpr int kTag = 1;
  for (int distance = 0; distance < world.size; ++distance) {
    const int to = (world.rank + distance) % world.size;
    const int from = (world.rank - distance + world.size) % world.size;
    int seen = -1;
    MPI_Sendrecv(&world.rank, 1, MPI_INT, to, kTag, &seen, 1, MPI_INT, from, kTag, world.comm,
                 MPI_STATUS_IGNORE);
    world.checks.Equal("greeting", seen, from);
  }
}

struct Done {
  int rounds = 0;
  int64_t messages = 0;
  int64_t bytes = 0;
};

class Soak {
 public:
  Soak(World& world, const Options& options, uint64_t seed)
      : world_(world), options_(options), seed_(seed) {}

  Done Run() {
    const double begin = MPI_Wtime();
    do {
      for (int i = 0; i < kRoundsPerLook; ++i) RunRound(done_.rounds++);
    } while (!ShallEnd(MPI_Wtime() - begin));
    private_.CheckSums();
    region_.CheckSums();
    return done_;
  }

 private:
  void RunRound(int round) {
    const RoundPlan plan = PlanRound(seed_, round, world_.size);
    // Nothing waits for its end: others find this rank late.
    poll(nullptr, 0, plan.pause_ms[static_cast<size_t>(world_.rank)]);
    switch (plan.kind) {
      case RoundKind::kMessages:
        Exchange(world_, plan);
        if (plan.HasWildcards()) MPI_Barrier(world_.comm);
        CountMessages(plan);
        break;
      case RoundKind::kOneSided:
        (plan.seed % 2 == 0 ? private_ : region_).Operate(plan, round);
        break;
      case RoundKind::kCollective:
        RunCollective(world_, plan, round);
        break;
    }
  }

  void CountMessages(const RoundPlan& plan) {
    done_.messages += static_cast<int64_t>(plan.messages.size());
    for (const PlannedMessage& message : plan.messages) {
      done_.bytes += static_cast<int64_t>(message.bytes);
    }
  }

  // Whether time is up, or somebody saw what is wrong; the same on all ranks.
  bool ShallEnd(double seconds) {
    const bool is_over =
        options_.rounds ? done_.rounds >= *options_.rounds : seconds >= options_.seconds;
    const int own = (world_.rank == 0 && is_over) || world_.checks.tally().failed != 0 ? 1 : 0;
    int any = 0;
    MPI_Allreduce(&own, &any, 1, MPI_INT, MPI_MAX, world_.comm);
    return any != 0;
  }

  World& world_;
  const Options& options_;
  const uint64_t seed_;
  SharedWindow private_{world_, WindowMemory::kOrdinary};
  SharedWindow region_{world_, WindowMemory::kAllocMem};
  Done done_;
};

void Say(const World& world, const char* what, uint64_t seed) {
  if (world.rank != 0) return;
  std::printf("soak: %s, %d ranks, seed %llu\n", what, world.size,
              static_cast<unsigned long long>(seed));
  std::fflush(stdout);
}

// The exit code, the same on all ranks.
int Report(const World& world, const Done& done, uint64_t seed) {
  const int64_t own = world.checks.tally().failed;
  int64_t failed = 0;
  MPI_Allreduce(&own, &failed, 1, MPI_INT64_T, MPI_SUM, world.comm);
  if (world.rank == 0) {
    std::printf("soak: %s: %d rounds, %lld messages, %lld MB, %lld checks failed; seed %llu\n",
                failed == 0 ? "good" : "bad", done.rounds, static_cast<long long>(done.messages),
                static_cast<long long>(done.bytes / 1'000'000), static_cast<long long>(failed),
                static_cast<unsigned long long>(seed));
  }
  return failed == 0 ? 0 : 1;
}

int Run(World& world, const Options& options) {
  const uint64_t seed = AgreeOnSeed(world, options);
  world.checks.Begin("soak");
  GreetEverybody(world);
  Say(world, "begun", seed);
  if (options.corrupt && world.rank == 0) ArmCorruption();
  Done done;
  {
    Soak soak(world, options, seed);
    done = soak.Run();
  }
  return Report(world, done, seed);
}

int Main(int argc, char** argv) {
  const Options options = Parse(argc, argv);
  if (!options.valid) {
    std::fprintf(stderr, "usage: soak [--seed N] [--seconds N] [--rounds N] [--corrupt]\n");
    return kUsageCode;
  }
  MPI_Init(&argc, &argv);
  int rank;
  int size;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  Checks checks(rank);
  World world = {MPI_COMM_WORLD, rank, size, checks};
  const int exit_code = Run(world, options);
  MPI_Finalize();
  return exit_code;
}

}  // namespace
}  // namespace tombolo::mpi_check

int main(int argc, char** argv) { return tombolo::mpi_check::Main(argc, argv); }

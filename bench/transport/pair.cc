#include "bench/transport/pair.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <fstream>
#include <utility>
#include <vector>

#include "bench/transport/cores.h"
#include "bench/transport/require.h"
#include "bench/transport/shared_block.h"
#include "bench/transport/spin.h"

namespace tombolo::bench {
namespace {

using Measurements = std::vector<std::unique_ptr<Measurement>>;

constexpr int kMaxAttempts = 5;
constexpr int kHighestPriority = -20;

// Lets two processes start together: asleep until both have come, and then in a loop until both
// run, because the one that was woken comes later.
class Barrier {
 public:
  Barrier() {
    pthread_barrierattr_t attributes;
    pthread_barrierattr_init(&attributes);
    pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    Require(pthread_barrier_init(&asleep_, &attributes, 2) == 0, "making a barrier");
  }

  void Wait() {
    pthread_barrier_wait(&asleep_);
    const uint64_t arrival = arrivals_.fetch_add(1, std::memory_order_acq_rel);
    const uint64_t both = arrival / 2 * 2 + 2;
    SpinUntil([&] { return arrivals_.load(std::memory_order_acquire) >= both; });
  }

 private:
  pthread_barrier_t asleep_;
  alignas(64) std::atomic<uint64_t> arrivals_{0};
};

// What both processes share while they measure.
struct Meeting {
  Barrier barrier;
  std::atomic<uint64_t> disturbances{0};  // Of all repetitions so far, on either side.
};

void OnChildGone(int) {
  static constexpr char kWhy[] = "error: the other process of the pair has ended\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kWhy, sizeof(kWhy) - 1);
  _exit(1);
}

void RaisePriority() {
  // Not allowed to everybody; then more repetitions are disturbed.
  setpriority(PRIO_PROCESS, 0, kHighestPriority);
  // Where the kernel groups processes by session, priorities count within a group only (sched(7)):
  // raise the whole group, if there is nobody else in it.
  if (getsid(0) == getpid()) std::ofstream("/proc/self/autogroup") << kHighestPriority;
}

void Print(const Measurement& measurement, double value, bool disturbed) {
  printf("{\"name\": \"%s\", \"unit\": \"%s\", \"value\": %.9g, \"disturbed\": %s}\n",
         measurement.Name().c_str(), measurement.Unit().c_str(), value,
         disturbed ? "true" : "false");
}

class PairSide {
 public:
  PairSide(Side side, Meeting& meeting) : side_(side), meeting_(meeting) {}

  void PrepareAll(const Measurements& measurements) {
    for (const Side turn : {Side::kLead, Side::kFollow}) {
      for (const auto& measurement : measurements) {
        if (side_ == turn) measurement->Prepare(side_);
      }
      meeting_.barrier.Wait();
    }
  }

  void Measure(Measurement& measurement) {
    double value = 0;
    bool disturbed = true;
    for (int attempt = 0; attempt < kMaxAttempts && disturbed; ++attempt) {
      disturbed = Repeat(measurement, value);
    }
    if (side_ == Side::kLead) Print(measurement, value, disturbed);
  }

 private:
  // One repetition, together with the other side; both get the same answer.
  bool Repeat(Measurement& measurement, double& value) {
    meeting_.barrier.Wait();
    const uint64_t preempted_before = TimesPreempted();
    if (side_ == Side::kLead) {
      value = measurement.Lead();
    } else {
      measurement.Follow();
    }
    // Relaxed: the barrier orders it.
    meeting_.disturbances.fetch_add(TimesPreempted() - preempted_before, std::memory_order_relaxed);
    meeting_.barrier.Wait();
    const uint64_t seen = meeting_.disturbances.load(std::memory_order_relaxed);
    return std::exchange(disturbances_seen_, seen) != seen;
  }

  const Side side_;
  Meeting& meeting_;
  uint64_t disturbances_seen_ = 0;
};

void RunSide(Side side, const Measurements& measurements, int rounds, Meeting& meeting) {
  PairSide pair_side(side, meeting);
  pair_side.PrepareAll(measurements);
  for (int round = 0; round < rounds; ++round) {
    for (const auto& measurement : measurements) pair_side.Measure(*measurement);
    fflush(stdout);
  }
}

}  // namespace

void RunInPair(const Measurements& measurements, int rounds) {
  const std::vector<int> cores = AllowedCores();
  if (cores.size() < 2) {
    Fail("two cores are needed, and this process may use only one: see taskset(1).");
  }
  const SharedBlock<Meeting> meeting;
  RaisePriority();
  signal(SIGCHLD, OnChildGone);
  const pid_t child = fork();
  Require(child >= 0, "forking");
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    PinTo(cores[1]);
    RunSide(Side::kFollow, measurements, rounds, *meeting);
    meeting->barrier.Wait();
    _exit(0);
  }
  PinTo(cores[0]);
  RunSide(Side::kLead, measurements, rounds, *meeting);
  signal(SIGCHLD, SIG_DFL);
  meeting->barrier.Wait();
  waitpid(child, nullptr, 0);
}

}  // namespace tombolo::bench

// Kills endpoints at random moments while they talk with each other, and starts others in their
// place; one of them survives all the others.
//
//   torture [--seed N] KILLS SECONDS
//
// It ends after KILLS kills, or when SECONDS are over. 0 torn messages, 0 blocked survivors, and in
// the end an empty extent map is what it expects. The moments are not those of the run before, also
// with the same seed: the seed is for what is drawn.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <new>
#include <random>
#include <string>

#include "tests/crash/board.h"
#include "tests/crash/check_extents.h"
#include "tests/crash/talker.h"
#include "tests/crash/world.h"
#include "transport/alloc/extent_map.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::crash {
namespace {

constexpr uint64_t kRegionBytes = 8 * kMiB;
constexpr uint64_t kKillsPerCheck = 256;
constexpr int kTalkerNice = 10;
constexpr int64_t kLongestLifeNs = kNsPerMs;  // Between two kills.
constexpr int64_t kPatienceNs = 30 * kNsPerSecond;

Board& MakeBoard() {
  void* memory =
      mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) abort();
  return *new (memory) Board;
}

class Torture {
 public:
  explicit Torture(uint64_t seed) : random_(seed) {
    for (size_t seat = 0; seat < kSeats; ++seat) Start(seat);
  }

  void KillRandomly(uint64_t kills, int64_t deadline_ns) {
    while (kills_ < kills && MonotonicNs() < deadline_ns && failures_ == 0) {
      Pause(static_cast<int64_t>(random_() % kLongestLifeNs));
      const size_t seat = 1 + random_() % (kSeats - 1);
      Kill(seat);
      AwaitRecords();
      Start(seat);
      Sweep();
      if (++kills_ % kKillsPerCheck == 0) {
        Blame(CheckAtAnyMoment(world_.SharedRegion()));
        CheckProgress();
      }
    }
  }

  // Who is left now must be able to talk with everybody else, and leaves nothing behind.
  void End() {
    board_.phase.store(Phase::kLast);
    const int64_t give_up_ns = MonotonicNs() + kPatienceNs;
    while (!AllHaveAll() && MonotonicNs() < give_up_ns) {
      Sweep();
      Pause(kNsPerMs);
    }
    if (!AllHaveAll()) Blame("somebody waits in vain for a last message");
    board_.phase.store(Phase::kLeave);
    for (size_t seat = 0; seat < kSeats; ++seat) Leave(seat);
    if (world_.Sweep()) Blame("the reaper waits, and nobody is alive");
    Blame(CheckAtRest(world_.SharedRegion()));
    const ExtentMap extents(world_.SharedRegion().ExtentMap());
    if (extents.CountFree() != extents.Count()) Blame("extents are left when all are dead");
  }

  // Exit code: 0 when all was well.
  int Print(int64_t begin_ns) const {
    uint64_t received = 0, torn = 0;
    for (const Seat& seat : board_.seats) {
      received += seat.received.load();
      torn += seat.torn.load();
    }
    const double seconds = static_cast<double>(MonotonicNs() - begin_ns) / 1e9;
    printf("%lu kills in %.1f s, %lu messages, %lu torn, %lu other failures\n", kills_, seconds,
           received, torn, failures_);
    const bool good = torn == 0 && failures_ == 0 && received != 0;
    printf("%d passed, %d failed\n", good ? 1 : 0, good ? 0 : 1);
    return good ? 0 : 1;
  }

 private:
  struct Process {
    pid_t pid = -1;
    EndpointId id;
  };

  void Start(size_t seat) {
    Process& process = processes_[seat];
    process = {.pid = -1, .id = world_.Admit("talker")};
    board_.seats[seat].rounds.store(0);
    board_.seats[seat].has_all.store(false);
    const uint64_t seed = random_();
    process.pid = fork();
    if (process.pid < 0) abort();
    if (process.pid != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    // So that there is a parent to kill them, however busy they are.
    setpriority(PRIO_PROCESS, 0, kTalkerNice);
    Talker(world_, process.id, board_, seat, seed).Run();
    _exit(0);
  }

  void Kill(size_t seat) {
    kill(processes_[seat].pid, SIGKILL);
    if (!WIFSIGNALED(Bury(seat)) || last_signal_ != SIGKILL) Blame("a survivor had crashed");
  }

  void Leave(size_t seat) {
    if (!AllHaveAll()) kill(processes_[seat].pid, SIGKILL);
    Bury(seat);
  }

  // Waits for its end, which proves it dead, and tells the registry.
  int Bury(size_t seat) {
    int status = 0;
    if (waitpid(processes_[seat].pid, &status, 0) != processes_[seat].pid) abort();
    last_signal_ = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    world_.DeclareDead(processes_[seat].id);
    return status;
  }

  // The dead are forgotten sooner or later, whoever dies meanwhile.
  void Sweep() {
    if (!world_.Sweep()) {
      all_forgotten_ns_ = MonotonicNs();
    } else if (MonotonicNs() - all_forgotten_ns_ > kPatienceNs) {
      Blame("the reaper waits for somebody");
    }
  }

  // Where others want the processors, who has to forget the dead may come too late for the next
  // one.
  void AwaitRecords() {
    const uint32_t records = world_.SharedRegion().Limits().endpoint_count;
    while (world_.DyingCount() + kSeats > records && failures_ == 0) {
      Pause(kNsPerMs);
      Sweep();
    }
  }

  // The survivor of all, in seat 0, never stands still for long, whoever dies beside it. The others
  // do not live long enough to tell.
  void CheckProgress() {
    const uint64_t rounds = board_.seats[0].rounds.load();
    if (rounds != rounds_seen_) {
      rounds_seen_ = rounds;
      progress_ns_ = MonotonicNs();
    } else if (MonotonicNs() - progress_ns_ > kPatienceNs) {
      Blame("the survivor stands still");
    }
  }

  bool AllHaveAll() const {
    for (const Seat& seat : board_.seats) {
      if (!seat.has_all.load()) return false;
    }
    return true;
  }

  // A moment of any length, in which nothing is waited for.
  static void Pause(int64_t pause_ns) {
    const timespec pause{.tv_sec = 0, .tv_nsec = pause_ns};
    sigset_t none;
    sigemptyset(&none);
    (void)sigtimedwait(&none, nullptr, &pause);
  }

  void Blame(const std::string& what) {
    if (what.empty()) return;
    ++failures_;
    printf("  FAILED after %lu kills: %s\n", kills_, what.c_str());
  }

  std::mt19937_64 random_;
  World world_{kRegionBytes};
  Board& board_ = MakeBoard();
  std::array<Process, kSeats> processes_;
  uint64_t kills_ = 0;
  uint64_t failures_ = 0;
  int last_signal_ = 0;
  int64_t all_forgotten_ns_ = MonotonicNs();
  uint64_t rounds_seen_ = 0;  // Of seat 0.
  int64_t progress_ns_ = MonotonicNs();
};

int Run(uint64_t seed, uint64_t kills, int64_t seconds) {
  printf("seed %lu\n", seed);
  fflush(stdout);
  const int64_t begin_ns = MonotonicNs();
  Torture torture(seed);
  torture.KillRandomly(kills, begin_ns + seconds * kNsPerSecond);
  torture.End();
  return torture.Print(begin_ns);
}

}  // namespace
}  // namespace tombolo::crash

int main(int argc, char** argv) {
  uint64_t seed = std::random_device()();
  if (argc > 2 && strcmp(argv[1], "--seed") == 0) {
    seed = strtoull(argv[2], nullptr, 10);
    argc -= 2;
    argv += 2;
  }
  if (argc != 3) {
    fprintf(stderr, "usage: torture [--seed N] KILLS SECONDS\n");
    return 2;
  }
  return tombolo::crash::Run(seed, strtoull(argv[1], nullptr, 10), atoll(argv[2]));
}

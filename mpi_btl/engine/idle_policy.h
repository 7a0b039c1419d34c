// IdlePolicy: when a rank that waits for messages stops polling, and for how long it sleeps then.
//
// It sleeps once it has found nothing for `idle_ns`, a quarter of the time for which it has found
// nothing so far, so that whoever waits for something else than a message here (a word in shared
// memory, another transport) waits a quarter longer at most.
//
// SUBTLE: a poll does not mean that somebody waits. An application may call MPI_Test between its
// computations, and must not sleep there. Polls of a waiting rank follow each other at once, also
// when it yields in between; so what counts is the CPU time that the thread used from poll to poll.
//
// Time is given by the caller. Not thread-safe.
#pragma once

#include <cstdint>

#include "transport/base/units.h"

namespace tombolo::mpi {

struct IdleTimes {
  int64_t wall_ns = 0;  // Monotonic.
  int64_t cpu_ns = 0;   // Of the thread that polls.
};

class IdlePolicy {
 public:
  static constexpr int64_t kShortestSleepNs = 50 * kNsPerUs;
  // What lies between two polls beside waiting.
  static constexpr int64_t kMostCpuPerPollNs = 5 * kNsPerUs;
  // So many polls found nothing between two looks at the clock. Few once it slept, or where others
  // want the core, but as many as Open MPI needs to call everybody whom it calls now and then.
  static constexpr uint32_t kPollsPerLook = 64;
  static constexpr uint32_t kPollsPerLookOfSleeper = 8;

  // `idle_ns`: 0 means never. `longest_sleep_ns`: 0 too. `is_crowded`: ranks share cores and yield,
  // so that polls are rare.
  void Set(int64_t idle_ns, int64_t longest_sleep_ns, bool is_crowded);

  // After each poll.
  void Polled(bool found) {
    ++polls_;
    if (found) Worked();
  }

  // The thread got on without a message, by an operation on memory of the region: the polls around
  // it are not those of a rank that waits.
  void Worked() {
    polls_ = 0;
    polls_per_look_ = polls_per_first_look_;
    is_idle_ = false;
  }

  // Whether SleepNs() wants to be asked now: cheap, for after each poll.
  bool IsTimeToLook() const { return polls_ >= polls_per_look_ && idle_ns_ != 0; }

  // How long to sleep now at most; 0: go on polling.
  int64_t SleepNs(const IdleTimes& now);

  // It slept; `now` is after that.
  void Slept(const IdleTimes& now);

 private:
  void Restart(const IdleTimes& now);
  bool IsWaiting(const IdleTimes& now) const;

  int64_t idle_ns_ = 0;
  int64_t longest_sleep_ns_ = 0;
  uint32_t polls_per_first_look_ = kPollsPerLook;

  uint32_t polls_per_look_ = kPollsPerLook;
  uint32_t polls_ = 0;    // Since the last look.
  bool is_idle_ = false;  // The following are valid.
  int64_t idle_since_ns_ = 0;
  int64_t awake_cpu_ns_ = 0;  // At the begin of the polls below.
  uint32_t polls_awake_ = 0;  // Since it was first idle, or slept.
};

}  // namespace tombolo::mpi

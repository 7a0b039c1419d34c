// When a holder starts its child again. Pure decisions: no clock, no processes.
//
//   how the child ended                         what follows
//   exit 0, or with the final code              end with it
//   anything, after a signal was forwarded      end with its code
//   exit with an error, nobody was ever ready   end with its code: a failed start
//   exit with an error later, or a signal       start again, after a delay
//
// The delay doubles from death to death, and is the first one again after a child that lived long.
#pragma once

#include <cstdint>
#include <optional>

#include "transport/base/units.h"

namespace tombolo::control {

struct RestartLimits {
  int64_t first_delay_ns = 100 * kNsPerMs;
  int64_t longest_delay_ns = 5 * kNsPerSecond;
  int64_t stable_ns = 60 * kNsPerSecond;  // A child that lived that long is a fresh start.
  int final_code =
      0;  // An error after which nobody is to be started again by us; 0: there is none.
};

struct ChildEnd {
  int wait_status = 0;  // As waitpid gives it.
  int64_t lived_ns = 0;
};

class RestartPolicy {
 public:
  explicit RestartPolicy(const RestartLimits& limits) : limits_(limits) {}

  void ChildIsReady() { ever_ready_ = true; }
  void EndWasAsked() { end_asked_ = true; }
  bool IsEndAsked() const { return end_asked_; }

  // The exit code with which the holder ends, or nothing when it starts another child after
  // DelayNs().
  std::optional<int> Judge(const ChildEnd& end);

  int64_t DelayNs() const { return delay_ns_; }

  // What a shell would make of a wait status: the exit code, or 128 + the signal.
  static int ExitCode(int wait_status);

 private:
  const RestartLimits limits_;
  bool ever_ready_ = false;
  bool end_asked_ = false;
  int64_t delay_ns_ = 0;
};

}  // namespace tombolo::control

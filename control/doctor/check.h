// Check: one question of `tombolo doctor`, and RunGuarded(), which asks it so that nothing can hang
// or crash with it.
//
// A check runs in a process of its own, with a deadline: whatever it waits for, be it a device, a
// daemon that hangs or a program that it started, its whole process group is killed in the end. Who
// calls RunGuarded must have one thread only, since it forks.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "control/doctor/finding.h"

namespace tombolo::control {

struct Check {
  std::string name;  // One word, for people and scripts.
  std::function<Finding()> run;
  std::string mend_silence;  // What to do when the deadline is over without a finding.
};

// What `check` finds; a problem when it has not ended within `deadline_ns`, or ended otherwise than
// by finding something. Takes at most a second more than the deadline.
Finding RunGuarded(const Check& check, int64_t deadline_ns);

}  // namespace tombolo::control

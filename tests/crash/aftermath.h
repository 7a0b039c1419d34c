// What comes after the victim's death: the daemon learns of it, the reaper reclaims, and those who
// are left carry on. Whatever is not as it should be is in the verdict.
#pragma once

#include <cstdint>
#include <string>

#include "tests/crash/scene.h"

namespace tombolo::crash {

struct Verdict {
  std::string torn;  // A message that was not as it was sent, came twice, too early, or not at all.
  std::string leak;  // Memory of nobody.
  std::string blocked;     // Somebody who did not get on.
  uint64_t delivered = 0;  // Messages of the victim.

  bool Good() const { return torn.empty() && leak.empty() && blocked.empty(); }
};

// Plays it in a process of its own, on a private copy of the region as it is now: the scene and the
// region are as before when this returns. `finished`: the operation had ended when the victim died.
Verdict PlayAftermath(Scene& scene, const Case& which, bool finished);

}  // namespace tombolo::crash

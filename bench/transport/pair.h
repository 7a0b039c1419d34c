// Runs measurements in two processes, each pinned to a core of its own, round by round: every
// measurement once per round, so that what is compared was measured in the same second.
//
// A repetition during which either process lost its core to somebody else says nothing about the
// transport: it is repeated, a few times at most. Both processes run at the highest priority that
// they are allowed, so that this is rare.
//
// Prints one line of JSON per measurement and round: {"name", "unit", "value", "disturbed"}.
#pragma once

#include <memory>
#include <vector>

#include "bench/transport/measurement.h"

namespace tombolo::bench {

// Does not return when a measurement fails or the other process dies.
void RunInPair(const std::vector<std::unique_ptr<Measurement>>& measurements, int rounds);

}  // namespace tombolo::bench

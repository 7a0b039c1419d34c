// Runs one case: kills at one instruction after the other, and sums up what came of it.
#pragma once

#include <cstdint>
#include <string>

#include "tests/crash/scene.h"

namespace tombolo::crash {

struct Tally {
  uint64_t instructions = 0;
  uint64_t points = 0;  // At which the victim was killed.
  uint64_t torn = 0;
  uint64_t leaks = 0;
  uint64_t blocked = 0;
  std::string first_failure;  // Where, and what.

  bool Good() const { return points != 0 && torn + leaks + blocked == 0; }
};

// Kills after each instruction that changes the region, before and after each system call, and when
// the operation has ended. What lies between: every instruction when `stride` is 1, else about
// every stride-th, and fewer in the later part of a long operation.
Tally RunCase(const Case& which, uint64_t stride);

}  // namespace tombolo::crash

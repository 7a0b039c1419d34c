// One-sided operations of each rank on windows of all others, at any time and without their help:
// what they leave is known, because each rank writes only where nobody else does, and what all
// count on is summed up in the end.
//
//   a window    counter | a word per origin, for compare and swap | an area per origin, for put
#pragma once

#include <mpi.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tests/mpi/message.h"
#include "tests/mpi/soak/plan.h"
#include "tests/mpi/soak/random.h"
#include "tests/mpi/window.h"

namespace tombolo::mpi_check {

// Collective: all ranks make it and destroy it at the same time.
class SharedWindow {
 public:
  SharedWindow(World& world, WindowMemory memory);
  ~SharedWindow();

  // A few operations on random ranks. `round` tells payloads apart.
  void Operate(const RoundPlan& plan, int round);

  // Collective, when nobody operates any more: what was counted adds up.
  void CheckSums();

 private:
  void PutAndGet(Random& random, int target, int round);
  void Count(Random& random, int target);
  void Exchange(Random& random, int target);
  int64_t CounterOf(int target);

  size_t SwapOffset(int origin) const;
  size_t AreaOffset(int origin) const;

  World& world_;
  Window window_;
  std::vector<int64_t> added_;    // By target: how much this rank has counted.
  std::vector<int64_t> seen_;     // By target: the counter when it was last seen.
  std::vector<int64_t> swapped_;  // By target: what this rank swapped in last.
};

}  // namespace tombolo::mpi_check

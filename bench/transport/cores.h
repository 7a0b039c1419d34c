// The cores that this process may use, and whether it had them for itself.
#pragma once

#include <cstdint>
#include <vector>

namespace tombolo::bench {

// In ascending order.
std::vector<int> AllowedCores();

// The calling thread, and those that it starts.
void PinTo(int core);

// How often this process lost its core although it had more to do.
uint64_t TimesPreempted();

}  // namespace tombolo::bench

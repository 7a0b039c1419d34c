// All counters of an endpoint by the names that docs/layout.md gives them, and their values.
//
// They belong to the index: who was given a used one goes on counting from what his predecessor
// left. Anybody in the region can write any of them: they are hearsay, and nothing is decided by
// them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "transport/region/region.h"

namespace tombolo::control {

inline constexpr size_t kCounters = 19;

// The value of each.
using CounterValues = std::array<uint64_t, kCounters>;

// As in "messages_sent"; `counter` must be below kCounters.
const char* CounterName(size_t counter);

// The value of the counter of that name, which must exist.
uint64_t ValueOf(const CounterValues& values, std::string_view name);

// Each on its own: nothing can be concluded from two of them. `index` must be below the limit.
CounterValues ReadCounters(const Region& region, uint32_t index);

}  // namespace tombolo::control

// What the extent map must look like, at any moment and at rest: what `tombolo fsck` says.
#pragma once

#include <cstdint>
#include <string>

#include "transport/layout/extent_word.h"
#include "transport/region/region.h"

namespace tombolo::crash {

// Holds at every moment, also in the middle of a claim or a free. Empty when it does; else what was
// seen.
std::string CheckAtAnyMoment(const Region& region);

// Holds while nobody claims or frees, and the dead are gone: each extent is free, or belongs to a
// whole run of an endpoint that is alive.
std::string CheckAtRest(const Region& region);

// Extents of `kind` that `owner` owns.
uint32_t CountOwned(const Region& region, uint32_t owner, ExtentKind kind);

}  // namespace tombolo::crash

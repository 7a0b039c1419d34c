// Cases of extents: claim and free, runs of one and of several.
#pragma once

#include <vector>

#include "tests/crash/scene.h"

namespace tombolo::crash {

std::vector<Case> ExtentCases();

}  // namespace tombolo::crash

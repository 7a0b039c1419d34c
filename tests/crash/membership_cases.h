// Cases of members that come and go: the endpoint's side, and the daemon's.
#pragma once

#include <vector>

#include "tests/crash/scene.h"

namespace tombolo::crash {

std::vector<Case> AttachCases();
std::vector<Case> DaemonCases();

}  // namespace tombolo::crash

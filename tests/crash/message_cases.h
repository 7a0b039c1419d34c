// Cases of messages: publish, release, sleep, loans, and byte streams.
#pragma once

#include <vector>

#include "tests/crash/scene.h"

namespace tombolo::crash {

std::vector<Case> PublishCases();
std::vector<Case> ReleaseCases();
std::vector<Case> SleepCases();
std::vector<Case> LoanCases();
std::vector<Case> StreamCases();

}  // namespace tombolo::crash

// The file in a daemon's runtime folder that says which region is served there, so that it is found
// among several without asking anybody, also when nobody would answer.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace tombolo::control {

// At once: who reads it sees the former one or the new one.
absl::Status WriteUuidFile(const std::string& folder, const std::string& uuid);

// Empty when there is none.
std::string ReadUuidFile(const std::string& folder);

void RemoveUuidFile(const std::string& folder);

}  // namespace tombolo::control

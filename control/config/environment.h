// The variables of this process that are Tombolo's.
#pragma once

#include <functional>
#include <map>
#include <string>

namespace tombolo::control {

using Environment = std::map<std::string, std::string, std::less<>>;

// All TOMBOLO_* that are not empty: an empty one is as good as none.
Environment TomboloEnvironment();

}  // namespace tombolo::control

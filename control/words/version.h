// The version of Tombolo's programs.
#pragma once

namespace tombolo::control {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace tombolo::control

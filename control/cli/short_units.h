// Sizes and times for people.
#pragma once

#include <cstdint>
#include <string>

namespace tombolo::control {

// As in "256 MiB", "8 KiB", "0 B": rounded down, in the largest unit of which there is one.
std::string ShortBytes(uint64_t bytes);

// As in "3 d 4 h", "5 min 2 s": rounded down, in the largest unit and the next; below 0 as 0.
std::string ShortTime(double seconds);

}  // namespace tombolo::control

// Sizes for people.
#pragma once

#include <cstdint>
#include <string>

namespace tombolo::control {

// As in "256 MiB", "8 KiB", "0 B": rounded down, in the largest unit of which there is one.
std::string ShortBytes(uint64_t bytes);

}  // namespace tombolo::control

// How fast a mapping is read: the one measurement that tells a cached mapping from one that is not,
// whatever was asked for.
#pragma once

#include <cstddef>
#include <span>

namespace tombolo::control {

// A cached mapping takes a few nanoseconds a line at most; one that is not, a hundred and more, and
// an emulated processor some tens.
inline constexpr double kCachedNsPerLine = 20;

// Nanoseconds that one load from each cache line of `bytes` takes, at the best of several rounds
// over at most 1 MiB of it. `bytes` are aligned to a cache line, and have at least one. Reads only.
double NsPerLine(std::span<const std::byte> bytes);

}  // namespace tombolo::control

// Units and limits that every layer shares.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tombolo {

inline constexpr uint64_t kKiB = 1024;
inline constexpr uint64_t kMiB = 1024 * kKiB;
inline constexpr uint64_t kGiB = 1024 * kMiB;

// Our own constant, because it is part of the layout: std::hardware_destructive_interference_size
// may differ between compilers, and both sides of a region must agree.
inline constexpr size_t kCacheLineBytes = 64;

// The unit in which the region's memory is owned.
inline constexpr uint64_t kExtentBytes = 4 * kKiB;

inline constexpr int64_t kNsPerUs = 1000;
inline constexpr int64_t kNsPerMs = 1000 * kNsPerUs;
inline constexpr int64_t kNsPerSecond = 1000 * kNsPerMs;

}  // namespace tombolo

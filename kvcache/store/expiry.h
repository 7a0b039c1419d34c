// How memcached's clients say when an item is to expire.
#pragma once

#include <algorithm>
#include <cstdint>

namespace tombolo::kvcache {

inline constexpr int64_t kDayS = 24 * 60 * 60;
inline constexpr int64_t kLongestRelativeExpiryS = 30 * kDayS;
inline constexpr uint32_t kLongExpired = 1;  // The first second of 1970.

// From `exptime`, 0 for never, negative for at once, up to 30 days from now, else Unix time, to
// seconds of Unix time, 0 for never.
constexpr uint32_t ExpiryOf(int64_t exptime, uint32_t now_s) {
  if (exptime == 0) return 0;
  if (exptime < 0) return kLongExpired;
  const int64_t at_s = exptime <= kLongestRelativeExpiryS ? now_s + exptime : exptime;
  return static_cast<uint32_t>(std::min<int64_t>(at_s, UINT32_MAX));
}

}  // namespace tombolo::kvcache

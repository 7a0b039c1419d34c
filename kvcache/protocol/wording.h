// What several commands answer alike.
#pragma once

#include <string_view>

namespace tombolo::kvcache {

inline constexpr std::string_view kBadFormat = "CLIENT_ERROR bad command line format";
inline constexpr std::string_view kNoNumber =
    "CLIENT_ERROR cannot increment or decrement non-numeric value";
inline constexpr std::string_view kNoOwner =
    "SERVER_ERROR the owner of the cache cannot be reached";
inline constexpr std::string_view kOutOfMemory = "SERVER_ERROR out of memory";
inline constexpr std::string_view kTooLarge = "SERVER_ERROR object too large for cache";

}  // namespace tombolo::kvcache

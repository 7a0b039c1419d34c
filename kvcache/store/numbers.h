// Decimal numbers as memcached reads them, in commands and in values: blanks and a sign before them
// are skipped, and they end at a blank or with the text. Numbers of 32 bits are read as 64 bits and
// cut. A negative number is no unsigned one, unless it is so small that it comes out positive.
#pragma once

#include <cstdint>
#include <optional>

namespace tombolo::kvcache {

std::optional<uint64_t> UnsignedIn(const char* text);
std::optional<uint32_t> Unsigned32In(const char* text);
std::optional<int32_t> Signed32In(const char* text);

}  // namespace tombolo::kvcache

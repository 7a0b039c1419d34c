// Decimal numbers as memcached reads them, in commands and in values: blanks and a sign before them
// are skipped, and they end at a blank, at a zero byte or with the text. Numbers of 32 bits are
// read as 64 bits and cut. A negative number is no unsigned one, unless it is so small that modulo
// 2^64 it is below 2^63.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tombolo::kvcache {

std::optional<uint64_t> UnsignedIn(std::string_view text);
std::optional<uint32_t> Unsigned32In(std::string_view text);
std::optional<int32_t> Signed32In(std::string_view text);

}  // namespace tombolo::kvcache

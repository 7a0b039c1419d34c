// Decimal numbers as memcached reads them, in commands and in values: blanks and a sign before them
// are skipped, and they end at a blank, at a zero byte or with the text. Numbers of 32 bits are
// read as 64 bits and cut. No unsigned number is what modulo 2^64 is 2^63 or more in a text with a
// minus: so are most negative ones, and large ones with a minus anywhere behind them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tombolo::kvcache {

std::optional<uint64_t> UnsignedIn(std::string_view text);
std::optional<uint32_t> Unsigned32In(std::string_view text);
std::optional<int32_t> Signed32In(std::string_view text);

}  // namespace tombolo::kvcache

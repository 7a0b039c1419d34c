#include "kvcache/store/numbers.h"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace tombolo::kvcache {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kBlanks = " \t\n\v\f\r";
constexpr std::string_view kEnds = " \t\n\v\f\r\0"sv;

struct Decimal {
  bool is_negative = false;
  uint64_t magnitude = 0;
};

std::string_view FirstWord(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_first_of(kEnds));
}

// Whether `digits` are digits and nothing else, of a number below 2^64.
bool Read(std::string_view digits, uint64_t& number) {
  const char* const end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, number);
  return read.ec == std::errc() && read.ptr == end;
}

std::optional<Decimal> DecimalIn(std::string_view text) {
  Decimal decimal;
  if (Read(text, decimal.magnitude)) return decimal;  // Nearly always.
  std::string_view digits = FirstWord(text);
  decimal.is_negative = digits.starts_with('-');
  if (digits.starts_with('-') || digits.starts_with('+')) digits.remove_prefix(1);
  if (!Read(digits, decimal.magnitude)) return std::nullopt;
  return decimal;
}

// Anywhere: behind the number too.
bool HasMinus(std::string_view text) {
  return text.substr(0, text.find('\0')).find('-') != std::string_view::npos;
}

}  // namespace

std::optional<uint64_t> UnsignedIn(std::string_view text) {
  const std::optional<Decimal> decimal = DecimalIn(text);
  if (!decimal) return std::nullopt;
  const uint64_t number = decimal->is_negative ? 0 - decimal->magnitude : decimal->magnitude;
  if (number > INT64_MAX && HasMinus(text)) return std::nullopt;
  return number;
}

std::optional<uint32_t> Unsigned32In(std::string_view text) {
  const std::optional<uint64_t> number = UnsignedIn(text);
  if (!number) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

std::optional<int32_t> Signed32In(std::string_view text) {
  const std::optional<Decimal> decimal = DecimalIn(text);
  if (!decimal) return std::nullopt;
  const uint64_t limit = uint64_t{INT64_MAX} + (decimal->is_negative ? 1 : 0);
  if (decimal->magnitude > limit) return std::nullopt;
  return static_cast<int32_t>(decimal->is_negative ? 0 - decimal->magnitude : decimal->magnitude);
}

}  // namespace tombolo::kvcache

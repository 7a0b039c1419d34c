#include "kvcache/store/numbers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

namespace tombolo::kvcache {
namespace {

bool IsBlank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool IsWhole(const char* text, const char* stop) {
  return errno != ERANGE && stop != text && (*stop == '\0' || IsBlank(*stop));
}

}  // namespace

std::optional<uint64_t> UnsignedIn(const char* text) {
  char* stop = nullptr;
  errno = 0;
  const uint64_t number = strtoull(text, &stop, 10);
  if (!IsWhole(text, stop)) return std::nullopt;
  if (number > INT64_MAX && strchr(text, '-') != nullptr) return std::nullopt;
  return number;
}

std::optional<uint32_t> Unsigned32In(const char* text) {
  const std::optional<uint64_t> number = UnsignedIn(text);
  if (!number) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

std::optional<int32_t> Signed32In(const char* text) {
  char* stop = nullptr;
  errno = 0;
  const int64_t number = strtoll(text, &stop, 10);
  if (!IsWhole(text, stop)) return std::nullopt;
  return static_cast<int32_t>(number);
}

}  // namespace tombolo::kvcache

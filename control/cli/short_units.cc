#include "control/cli/short_units.h"

#include "absl/strings/str_cat.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

struct Unit {
  uint64_t size;
  const char* name;
};

constexpr Unit kByteUnits[] = {{kGiB, "GiB"}, {kMiB, "MiB"}, {kKiB, "KiB"}, {1, "B"}};
constexpr Unit kTimeUnits[] = {{86'400, "d"}, {3'600, "h"}, {60, "min"}, {1, "s"}};

}  // namespace

std::string ShortBytes(uint64_t bytes) {
  for (const Unit& unit : kByteUnits) {
    if (bytes >= unit.size) return absl::StrCat(bytes / unit.size, " ", unit.name);
  }
  return "0 B";
}

std::string ShortTime(double seconds) {
  uint64_t left = seconds > 0 ? static_cast<uint64_t>(seconds) : 0;
  std::string text;
  int told = 0;
  for (const Unit& unit : kTimeUnits) {
    const bool is_last = unit.size == 1;
    if (told == 2 || (told == 0 && left < unit.size && !is_last)) continue;
    absl::StrAppend(&text, text.empty() ? "" : " ", left / unit.size, " ", unit.name);
    left %= unit.size;
    ++told;
  }
  return text;
}

}  // namespace tombolo::control

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

}  // namespace

std::string ShortBytes(uint64_t bytes) {
  for (const Unit& unit : kByteUnits) {
    if (bytes >= unit.size) return absl::StrCat(bytes / unit.size, " ", unit.name);
  }
  return "0 B";
}

}  // namespace tombolo::control

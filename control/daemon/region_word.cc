#include "control/daemon/region_word.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "control/daemon/region_spec.h"
#include "transport/region/geometry.h"

namespace tombolo::control {
namespace {

constexpr char kForm[] =
    "expected NAME, and behind it, if they are to be other than by default, :size=1G, :slots=N, "
    ":vectors=N, :endpoints=N, :group=GROUP and :huge-pages.";

// As in 1048576, 1M, 1G.
bool ReadBytes(std::string text, uint64_t* bytes) {
  constexpr std::string_view kUnits = "KMGT";
  int shift = 0;
  if (!text.empty()) {
    if (const size_t unit = kUnits.find(text.back()); unit != std::string_view::npos) {
      shift = 10 * (static_cast<int>(unit) + 1);
      text.pop_back();
    }
  }
  uint64_t number = 0;
  if (!absl::SimpleAtoi(text, &number) || number > (kMaxRegionBytes >> shift)) return false;
  *bytes = number << shift;
  return *bytes != 0;
}

bool ReadCount(const std::string& text, uint32_t* count) {
  return absl::SimpleAtoi(text, count) && *count != 0;
}

bool ReadPart(const std::string& key, const std::string& value, WantedRegion* region) {
  if (key == "size") return ReadBytes(value, &region->limits.size_bytes);
  if (key == "slots") return ReadCount(value, &region->limits.slots);
  if (key == "vectors") return ReadCount(value, &region->limits.vectors);
  if (key == "endpoints") return ReadCount(value, &region->limits.endpoints);
  region->group = value;
  return key == "group" && !value.empty();
}

}  // namespace

absl::StatusOr<WantedRegion> ParseRegionWord(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  WantedRegion region;
  region.name = parts[0];
  for (size_t i = 1; i < parts.size(); ++i) {
    const size_t equals = parts[i].find('=');
    if (parts[i] == "huge-pages") {
      region.huge_pages = true;
    } else if (equals == std::string::npos ||
               !ReadPart(parts[i].substr(0, equals), parts[i].substr(equals + 1), &region)) {
      return absl::InvalidArgumentError(absl::StrCat("seen \"", parts[i], "\"; ", kForm));
    }
  }
  if (absl::Status good = CheckRegionName(region.name); !good.ok()) return good;
  if (auto limits = CompleteLimits(region.limits, RegionLimits()); !limits.ok()) {
    return limits.status();
  }
  return region;
}

}  // namespace tombolo::control

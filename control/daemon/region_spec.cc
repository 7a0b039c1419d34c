#include "control/daemon/region_spec.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace tombolo::control {
namespace {

constexpr char kVersion[] = "tombolo region 1";
constexpr size_t kMostNameBytes = 31;
constexpr size_t kMostGroupBytes = 64;  // More than Linux has for one.

// version, size, slots, vectors, endpoints, huge pages, group
constexpr size_t kFields = 7;

bool IsOfName(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; }

}  // namespace

absl::Status CheckRegionName(std::string_view name) {
  if (!name.empty() && name.size() <= kMostNameBytes && std::ranges::all_of(name, IsOfName) &&
      name.front() != '-' && name.back() != '-' && name != kFirstRegionName) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "a further region is called by 1 to ", kMostNameBytes,
      " of a-z, 0-9 and \"-\", with none of "
      "these at the ends, and not \"",
      kFirstRegionName, "\"; seen: ", name.size(), " bytes",
      std::ranges::all_of(name, IsOfName) ? absl::StrCat(" (\"", std::string(name), "\").") : "."));
}

absl::StatusOr<RegionLimits> CompleteLimits(const WantedLimits& wanted,
                                            const RegionLimits& otherwise) {
  RegionLimits limits = otherwise;
  if (wanted.size_bytes != 0) limits.region_bytes = wanted.size_bytes;
  if (wanted.slots != 0) limits.slot_count = wanted.slots;
  if (wanted.vectors != 0) limits.vector_count = wanted.vectors;
  if (wanted.endpoints != 0) limits.endpoint_count = wanted.endpoints;
  if (auto geometry = ComputeGeometry(limits); !geometry.ok()) return geometry.status();
  return limits;
}

bool AreSame(const RegionLimits& a, const RegionLimits& b) {
  return a.region_bytes == b.region_bytes && a.slot_count == b.slot_count &&
         a.vector_count == b.vector_count && a.endpoint_count == b.endpoint_count;
}

std::vector<std::byte> ToBytes(const RegionSpec& spec) {
  const std::string text =
      absl::StrCat(kVersion, "\n", spec.limits.region_bytes, "\n", spec.limits.slot_count, "\n",
                   spec.limits.vector_count, "\n", spec.limits.endpoint_count, "\n",
                   spec.huge_pages ? 1 : 0, "\n", spec.group.substr(0, kMostGroupBytes));
  const std::span<const std::byte> bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

absl::StatusOr<RegionSpec> ParseRegionSpec(std::span<const std::byte> bytes) {
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::vector<std::string> fields = absl::StrSplit(text, '\n');
  RegionSpec spec;
  int huge_pages = 0;
  if (fields.size() != kFields || fields[0] != kVersion ||
      !absl::SimpleAtoi(fields[1], &spec.limits.region_bytes) ||
      !absl::SimpleAtoi(fields[2], &spec.limits.slot_count) ||
      !absl::SimpleAtoi(fields[3], &spec.limits.vector_count) ||
      !absl::SimpleAtoi(fields[4], &spec.limits.endpoint_count) ||
      !absl::SimpleAtoi(fields[5], &huge_pages) || !ComputeGeometry(spec.limits).ok()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "what was kept of a region is no description that this tombolod knows; expected one that "
        "begins with \"",
        kVersion, "\"."));
  }
  spec.huge_pages = huge_pages != 0;
  spec.group = fields[6];
  return spec;
}

}  // namespace tombolo::control

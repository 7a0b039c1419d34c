#include "control/net/member_name.h"

#include <charconv>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace tombolo::control {
namespace {

constexpr std::string_view kPrefix = "net-";

}  // namespace

std::string MemberName::ToString() const {
  return absl::StrCat(std::string(kPrefix), subnet.ToString(), "-", number);
}

std::optional<MemberName> ParseMemberName(std::string_view name) {
  const size_t dash = name.rfind('-');
  if (!name.starts_with(kPrefix) || dash < kPrefix.size()) return std::nullopt;
  const absl::StatusOr<Subnet> subnet =
      ParseSubnet(name.substr(kPrefix.size(), dash - kPrefix.size()));
  if (!subnet.ok()) return std::nullopt;
  MemberName parsed{.subnet = *subnet, .number = 0};
  std::from_chars(name.data() + dash + 1, name.data() + name.size(), parsed.number);
  // Each member has one name: no 01, nothing behind it.
  return parsed.ToString() == name ? std::optional(parsed) : std::nullopt;
}

}  // namespace tombolo::control

#include "control/link/boot_id.h"

#include <fstream>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace tombolo::control {
namespace {

constexpr char kBootIdFile[] = "/proc/sys/kernel/random/boot_id";
constexpr size_t kHexDigits = 32;

}  // namespace

absl::StatusOr<BootId> ReadBootId() {
  std::ifstream file(kBootIdFile);
  std::string text;
  file >> text;
  if (!text.empty()) return ParseBootId(text);
  return absl::FailedPreconditionError(
      absl::StrCat("cannot read ", kBootIdFile, "; is /proc mounted?"));
}

std::string FormatBootId(const BootId& id) {
  const std::string hex =
      absl::StrCat(absl::Hex(id[0], absl::kZeroPad16), absl::Hex(id[1], absl::kZeroPad16));
  return absl::StrCat(hex.substr(0, 8), "-", hex.substr(8, 4), "-", hex.substr(12, 4), "-",
                      hex.substr(16, 4), "-", hex.substr(20));
}

absl::StatusOr<BootId> ParseBootId(const std::string& text) {
  const std::string hex = absl::StrReplaceAll(text, {{"-", ""}});
  BootId id;
  if (hex.size() == kHexDigits && absl::SimpleHexAtoi(hex.substr(0, kHexDigits / 2), &id[0]) &&
      absl::SimpleHexAtoi(hex.substr(kHexDigits / 2), &id[1])) {
    return id;
  }
  return absl::InvalidArgumentError(absl::StrCat("'", text, "' is no boot id (a UUID)."));
}

}  // namespace tombolo::control

#include "control/registry/text_check.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace tombolo::control {

absl::Status CheckText(std::string_view text, const char* what, size_t limit_bytes) {
  const bool is_printable = std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
  if (is_printable && !text.empty() && text.size() <= limit_bytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(what, " of ", text.size(), " bytes was offered; it must have 1 to ", limit_bytes,
                   " bytes of printable ASCII without spaces."));
}

}  // namespace tombolo::control

#include "control/config/config_errors.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tombolo::control {

void ConfigErrors::AddAt(const ConfigFile& file, const ConfigPlace& place,
                         const std::string& what) {
  Keep({place, absl::StrCat(file.At(place), ": ", what)});
}

void ConfigErrors::Add(const std::string& what) { Keep({{}, what}); }

void ConfigErrors::Keep(Error error) {
  const bool is_known = std::ranges::any_of(errors_, [&error](const Error& other) {
    return error.place == ConfigPlace{} ? other.text == error.text : other.place == error.place;
  });
  if (is_known) return;
  if (errors_.size() < kMostKept) {
    errors_.push_back(std::move(error));
  } else {
    ++not_kept_;
  }
}

std::vector<std::string> ConfigErrors::Lines() const {
  std::vector<Error> sorted = errors_;
  std::ranges::stable_sort(sorted, {}, &Error::place);
  std::vector<std::string> lines;
  for (const Error& error : sorted) lines.push_back(error.text);
  if (not_kept_ > 0) lines.push_back(absl::StrCat("and ", not_kept_, " more."));
  return lines;
}

absl::Status ConfigErrors::ToStatus() const {
  if (IsEmpty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(Lines(), "\nerror: "));
}

}  // namespace tombolo::control

#include "control/doctor/system_file.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

namespace tombolo::control {

std::optional<std::string> ReadSystemFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (file.bad()) return std::nullopt;
  absl::StripTrailingAsciiWhitespace(&text);
  return text;
}

std::optional<uint64_t> ReadHexFile(const std::filesystem::path& path) {
  const std::optional<std::string> text = ReadSystemFile(path);
  uint64_t number = 0;
  if (!text || !absl::SimpleHexAtoi(*text, &number)) return std::nullopt;
  return number;
}

std::string LinkName(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::read_symlink(path, error).filename().string();
}

std::vector<std::string> NamesIn(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace tombolo::control

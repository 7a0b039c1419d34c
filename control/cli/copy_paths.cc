#include "control/cli/copy_paths.h"

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace tombolo::control {
namespace {

struct RemotePath {
  uint16_t slot = 0;
  std::string path;
};

std::optional<RemotePath> ParseRemote(const std::string& word) {
  const size_t colon = word.find(':');
  if (colon == 0 || colon == std::string::npos) return std::nullopt;
  if (word.find_first_not_of("0123456789") != colon) return std::nullopt;
  uint32_t slot = 0;
  if (!absl::SimpleAtoi(word.substr(0, colon), &slot) || slot > UINT16_MAX) return std::nullopt;
  return RemotePath{static_cast<uint16_t>(slot), word.substr(colon + 1)};
}

}  // namespace

std::string FileNameOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

absl::StatusOr<CopyPaths> ParseCopyPaths(const std::string& from, const std::string& to) {
  std::optional<RemotePath> remote_from = ParseRemote(from);
  std::optional<RemotePath> remote_to = ParseRemote(to);
  if (remote_from.has_value() == remote_to.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("one of '", from, "' and '", to,
                     "' has to be SLOT:PATH, and the other one a file of this "
                     "machine, as in `tombolo cp a.img 1:/srv/share/`."));
  }
  CopyPaths paths;
  paths.is_put = remote_to.has_value();
  paths.local = paths.is_put ? from : to;
  RemotePath& remote = paths.is_put ? *remote_to : *remote_from;
  paths.slot = remote.slot;
  paths.remote = std::move(remote.path);
  const std::string name = FileNameOf(paths.is_put ? paths.local : paths.remote);
  if (name.empty() || name == "." || name == "..") {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", from, "' names no file or folder by a name of its own; -r copies a folder."));
  }
  if (paths.is_put && FileNameOf(paths.remote).empty()) paths.remote += name;
  return paths;
}

}  // namespace tombolo::control

// Folders: where the other members of the region may copy files from and to, and the way from a
// path that a peer wrote to a file below one of them.
//
// A path is never believed: the kernel resolves it below the folder's descriptor and refuses
// whatever would leave it, by `..`, by a symbolic link or otherwise (openat2, RESOLVE_BENEATH),
// also when somebody changes the folder meanwhile. Thread safety: const functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {

// The longest path that a peer may ask for.
inline constexpr size_t kMaxCopyPathBytes = 4095;

// One --allow-copy.
struct FolderRule {
  std::string path;  // Absolute, without a slash at its end unless it is "/".
  bool may_write = false;
};

// DIR, DIR:ro or DIR:rw, as in /srv/share:rw. InvalidArgument says what is wrong.
absl::StatusOr<FolderRule> ParseFolderRule(std::string_view text);

// Where a file lies, or is to lie: an open folder, and a name in it.
struct FilePlace {
  UniqueFd folder;
  std::string name;
};

class Folders {
 public:
  // Opens them. NotFound and the like: one of them is no folder.
  static absl::StatusOr<Folders> Open(const std::vector<FolderRule>& rules);

  // A path is absolute, or relative to the first of the folders. All of these: PermissionDenied
  // when it leads out of the folders, InvalidArgument when it makes no sense, NotFound.
  //
  // A regular file, to be read.
  absl::StatusOr<UniqueFd> OpenForReading(std::string_view path) const;
  // Where a file may be written; PermissionDenied also below a folder that is only for reading.
  absl::StatusOr<FilePlace> PlaceForWriting(std::string_view path) const;
  // Makes the folder, if it is not there. As for a file: only where one may be written.
  absl::Status MakeFolder(std::string_view path) const;
  // A folder, also one of those that are allowed, to be listed.
  absl::StatusOr<UniqueFd> OpenFolder(std::string_view path) const;

 private:
  struct Folder {
    FolderRule rule;
    UniqueFd fd;
  };
  struct Below {
    const Folder* folder = nullptr;
    std::string rest;  // Relative to it.
  };

  // Of the folder itself, `rest` is empty.
  absl::StatusOr<Below> FindOrFolder(std::string_view path) const;
  absl::StatusOr<Below> Find(std::string_view path) const;
  // Whatever lies there.
  absl::StatusOr<FilePlace> Place(std::string_view path) const;

  std::vector<Folder> folders_;
};

}  // namespace tombolo::control

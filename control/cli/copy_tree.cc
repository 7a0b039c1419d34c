#include "control/cli/copy_tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/cli/copy_connection.h"
#include "control/cli/copy_one.h"
#include "control/copy/copy_client.h"
#include "control/copy/folders.h"
#include "control/copy/frames.h"
#include "control/tunnel/service_socket.h"
#include "control/words/words.h"
#include "transport/base/errno_status.h"

namespace tombolo::control {
namespace {

// Of folders that are made here; the umask takes some of it.
constexpr mode_t kFolderMode = 0777;

CopyPaths Below(const CopyPaths& paths, const std::string& name) {
  CopyPaths below = paths;
  below.local = absl::StrCat(paths.local, "/", name);
  below.remote = absl::StrCat(paths.remote, "/", name);
  return below;
}

void TellLeftOut(const std::string& path) {
  fprintf(stderr, "left out, because it is no regular file and no folder: %s\n",
          Printable(path).c_str());
}

// In the order of their names, so that two runs do the same.
absl::StatusOr<std::vector<Entry>> ListHere(const std::string& path) {
  std::vector<Entry> entries;
  std::error_code error;
  for (std::filesystem::directory_iterator it(path, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code unknown;
    const std::filesystem::file_status seen = it->symlink_status(unknown);
    const std::string name = it->path().filename().string();
    if (std::filesystem::is_directory(seen)) {
      entries.push_back({EntryKind::kFolder, name});
    } else if (std::filesystem::is_regular_file(seen)) {
      entries.push_back({EntryKind::kFile, name});
    } else {
      TellLeftOut(it->path().string());
    }
  }
  if (error) return ErrnoStatus(error.value(), absl::StrCat("list ", path));
  return entries;
}

class TreeCopy {
 public:
  TreeCopy(const CliContext& context, bool quiet) : context_(context), quiet_(quiet) {}

  // All below the two folders of `top`.
  absl::Status Run(const CopyPaths& top) {
    std::vector<CopyPaths> folders = {top};
    while (!folders.empty()) {
      const CopyPaths folder = std::move(folders.back());
      folders.pop_back();
      if (absl::Status copied = CopyFilesOf(folder, folders); !copied.ok()) return copied;
    }
    return absl::OkStatus();
  }

 private:
  // Of this folder alone; those in it are added to `folders`.
  absl::Status CopyFilesOf(const CopyPaths& folder, std::vector<CopyPaths>& folders) {
    absl::StatusOr<std::vector<Entry>> entries = List(folder);
    if (!entries.ok()) return entries.status();
    if (absl::Status made = Make(folder); !made.ok()) return made;
    std::ranges::sort(*entries, {}, &Entry::name);
    for (const Entry& entry : *entries) {
      CopyPaths below = Below(folder, entry.name);
      if (below.remote.size() > kMaxCopyPathBytes || below.local.size() > kMaxCopyPathBytes) {
        return absl::AbortedError(absl::StrCat("a path is longer than ", kMaxCopyPathBytes,
                                               " bytes: ", Printable(below.remote), "."));
      }
      if (entry.kind == EntryKind::kFolder) {
        folders.push_back(std::move(below));
      } else if (absl::Status copied = CopyOne(context_, below, quiet_); !copied.ok()) {
        return copied;
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<Entry>> List(const CopyPaths& folder) {
    if (folder.is_put) return ListHere(folder.local);
    const auto socket = ConnectForCopy(context_, folder.slot);
    if (!socket.ok()) return socket.status();
    absl::StatusOr<std::vector<Entry>> entries = ListFolder((*socket)->Fd(), folder.remote);
    if (!entries.ok()) return ExplainCopy(folder.slot, entries.status(), (*socket)->End());
    return entries;
  }

  absl::Status Make(const CopyPaths& folder) {
    if (!folder.is_put) return MakeHere(folder.local);
    const auto socket = ConnectForCopy(context_, folder.slot);
    if (!socket.ok()) return socket.status();
    const absl::Status made = MakeFolder((*socket)->Fd(), folder.remote);
    return made.ok() ? made : ExplainCopy(folder.slot, made, (*socket)->End());
  }

  // One that is there has to be one itself: what a link leads to is not written.
  static absl::Status MakeHere(const std::string& path) {
    if (mkdir(path.c_str(), kFolderMode) == 0) return absl::OkStatus();
    const int error = errno;
    struct stat seen;
    if (error == EEXIST && lstat(path.c_str(), &seen) == 0 && S_ISDIR(seen.st_mode)) {
      return absl::OkStatus();
    }
    return absl::AbortedError(
        absl::StrCat("make the folder ", Printable(path), ": ", strerror(error), "."));
  }

  const CliContext& context_;
  const bool quiet_;
};

}  // namespace

absl::Status CopyTree(const CliContext& context, const CopyPaths& paths, bool quiet) {
  CopyPaths top = paths;
  std::error_code error;
  if (!top.is_put && std::filesystem::is_directory(top.local, error)) {
    top.local = absl::StrCat(top.local, "/", FileNameOf(top.remote));
  }
  return TreeCopy(context, quiet).Run(top);
}

}  // namespace tombolo::control

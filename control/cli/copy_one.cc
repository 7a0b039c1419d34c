#include "control/cli/copy_one.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/cli/copy_connection.h"
#include "control/cli/progress_bar.h"
#include "control/cli/short_units.h"
#include "control/copy/copy_client.h"
#include "control/copy/folders.h"
#include "control/copy/part_file.h"
#include "control/copy/transfer.h"
#include "control/tunnel/service_socket.h"
#include "transport/base/clock.h"
#include "transport/base/errno_status.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

// The file of this machine: to be read, or where it is to be.
struct LocalEnd {
  UniqueFd file;
  FilePlace place;
};

absl::StatusOr<LocalEnd> OpenSource(const std::string& path) {
  // Without waiting: a pipe that nobody writes must not hold us.
  UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.IsOpen()) return ErrnoStatus(errno, absl::StrCat("open ", path));
  struct stat seen;
  if (fstat(file.Get(), &seen) != 0) return ErrnoStatus(errno, absl::StrCat("look at ", path));
  if (S_ISREG(seen.st_mode)) return LocalEnd{.file = std::move(file), .place = {}};
  return absl::InvalidArgumentError(
      absl::StrCat(path, " is no regular file",
                   S_ISDIR(seen.st_mode) ? ", but a folder: -r copies all that is in it."
                                         : "; only those are copied."));
}

absl::StatusOr<LocalEnd> OpenTarget(std::string path, const std::string& remote) {
  struct stat seen;
  if (stat(path.c_str(), &seen) == 0 && S_ISDIR(seen.st_mode)) path += "/";
  if (FileNameOf(path).empty()) path += FileNameOf(remote);
  const std::string name = FileNameOf(path);
  if (absl::Status good = CheckFileName(name); !good.ok()) return good;
  const std::string folder = path.substr(0, path.size() - name.size());
  UniqueFd fd(open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.IsOpen()) return ErrnoStatus(errno, absl::StrCat("open the folder ", folder));
  return LocalEnd{.file = UniqueFd(), .place = {.folder = std::move(fd), .name = name}};
}

std::string ShownRemote(const CopyPaths& paths) {
  return absl::StrCat(paths.slot, ":", paths.remote);
}
std::string ShownFrom(const CopyPaths& paths) {
  return paths.is_put ? paths.local : ShownRemote(paths);
}
std::string ShownTo(const CopyPaths& paths) {
  return paths.is_put ? ShownRemote(paths) : paths.local;
}

void PrintSummary(const CopyPaths& paths, const TransferProgress& progress, double seconds) {
  const uint64_t moved = progress.total_bytes - progress.resumed_bytes;
  std::string text = absl::StrCat(ShownFrom(paths), " -> ", ShownTo(paths), ": ",
                                  ShortBytes(progress.total_bytes));
  if (progress.resumed_bytes != 0) {
    absl::StrAppend(&text, ", of which ", ShortBytes(progress.resumed_bytes), " were there");
  }
  const auto rate = static_cast<uint64_t>(static_cast<double>(moved) / std::max(seconds, 1e-9));
  printf("%s, %s/s, checksum good\n", text.c_str(), ShortBytes(rate).c_str());
  fflush(stdout);
}

absl::Status Transfer(const CopyPaths& paths, const LocalEnd& local, int socket,
                      const OnProgress& on_progress) {
  if (paths.is_put) return PutFile(socket, local.file.Get(), paths.remote, on_progress);
  return GetFile(socket, paths.remote, local.place, on_progress);
}

}  // namespace

absl::Status CopyOne(const CliContext& context, const CopyPaths& paths, bool quiet) {
  const absl::StatusOr<LocalEnd> local =
      paths.is_put ? OpenSource(paths.local) : OpenTarget(paths.local, paths.remote);
  if (!local.ok()) return local.status();
  const absl::StatusOr<std::unique_ptr<ServiceSocket>> socket = ConnectForCopy(context, paths.slot);
  if (!socket.ok()) return socket.status();
  const int64_t start_ns = MonotonicNs();
  TransferProgress last;
  absl::Status status;
  {
    ProgressBar bar(FileNameOf(paths.remote), /*counts_bytes=*/true, !quiet);
    status = Transfer(paths, *local, (*socket)->Fd(), [&](const TransferProgress& progress) {
      last = progress;
      bar.Show(progress.done_bytes, progress.total_bytes, progress.resumed_bytes);
    });
  }
  if (!status.ok()) return ExplainCopy(paths.slot, status, (*socket)->End());
  if (!quiet) {
    PrintSummary(paths, last,
                 static_cast<double>(MonotonicNs() - start_ns) / static_cast<double>(kNsPerSecond));
  }
  return absl::OkStatus();
}

}  // namespace tombolo::control

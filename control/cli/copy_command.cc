#include "control/cli/copy_command.h"

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

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/cli/copy_paths.h"
#include "control/cli/own_endpoint.h"
#include "control/cli/progress_bar.h"
#include "control/cli/short_units.h"
#include "control/copy/copy_client.h"
#include "control/copy/folders.h"
#include "control/copy/frames.h"
#include "control/copy/part_file.h"
#include "control/copy/transfer.h"
#include "control/tunnel/service_socket.h"
#include "control/words/words.h"
#include "transport/base/clock.h"
#include "transport/base/errno_status.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"
#include "transport/endpoint/endpoint.h"

namespace tombolo::control {
namespace {

constexpr char kOwnName[] = "tombolo-cp";

struct CopyFlags {
  std::string from;
  std::string to;
  bool quiet = false;
};

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
      absl::StrCat(path, " is no regular file; only single ones are copied."));
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

absl::StatusOr<std::unique_ptr<ServiceSocket>> Connect(const CliContext& context, uint16_t slot) {
  absl::StatusOr<std::unique_ptr<Endpoint>> endpoint = AttachAs(context, kOwnName);
  if (!endpoint.ok()) return endpoint.status();
  const absl::StatusOr<EndpointId> agent = FindAgent(**endpoint, slot);
  if (!agent.ok()) return agent.status();
  return ServiceSocket::Connect(*std::move(endpoint), *agent, kCopyService);
}

// What went wrong, for people. `ended`: why the stream ended, if it did.
absl::Status Explain(const CopyPaths& paths, const absl::Status& status,
                     const absl::Status& ended) {
  if (absl::IsPermissionDenied(ended)) {
    return absl::AbortedError(
        absl::StrCat("slot ", paths.slot,
                     " lets nobody copy: start its tombolo-agent with "
                     "--allow-copy DIR:rw (on the host, which is slot 0, with --host too)."));
  }
  const absl::Status& why = absl::IsUnavailable(status) && !ended.ok() ? ended : status;
  std::string text = Printable(std::string(why.message()));
  if (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status)) {
    absl::StrAppend(&text, ". The same command goes on where this one stopped");
  }
  return absl::AbortedError(absl::StrCat(text, "."));
}

void PrintSummary(const CopyFlags& flags, const TransferProgress& progress, double seconds) {
  if (flags.quiet) return;
  const uint64_t moved = progress.total_bytes - progress.resumed_bytes;
  std::string text =
      absl::StrCat(flags.from, " -> ", flags.to, ": ", ShortBytes(progress.total_bytes));
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

absl::Status Run(const CliContext& context, const CopyFlags& flags) {
  const absl::StatusOr<CopyPaths> paths = ParseCopyPaths(flags.from, flags.to);
  if (!paths.ok()) return paths.status();
  const absl::StatusOr<LocalEnd> local =
      paths->is_put ? OpenSource(paths->local) : OpenTarget(paths->local, paths->remote);
  if (!local.ok()) return local.status();
  const absl::StatusOr<std::unique_ptr<ServiceSocket>> socket = Connect(context, paths->slot);
  if (!socket.ok()) return socket.status();
  const int64_t start_ns = MonotonicNs();
  TransferProgress last;
  absl::Status status;
  {
    ProgressBar bar(FileNameOf(paths->remote), /*counts_bytes=*/true, !flags.quiet);
    status = Transfer(*paths, *local, (*socket)->Fd(), [&](const TransferProgress& progress) {
      last = progress;
      bar.Show(progress.done_bytes, progress.total_bytes, progress.resumed_bytes);
    });
  }
  if (!status.ok()) return Explain(*paths, status, (*socket)->End());
  PrintSummary(flags, last,
               static_cast<double>(MonotonicNs() - start_ns) / static_cast<double>(kNsPerSecond));
  return absl::OkStatus();
}

}  // namespace

void AddCopyCommand(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand(
      "cp",
      "Copy a file to or from another machine of the region, with a checksum. A copy that was "
      "interrupted goes on where it stopped when it is asked for again.");
  command->footer(
      "  tombolo cp disk.img 1:/srv/share/\n"
      "                                to slot 1, whose tombolo-agent has --allow-copy "
      "/srv/share:rw\n"
      "  tombolo cp 1:/srv/share/disk.img .\n"
      "                                from there; --allow-copy /srv/share is enough\n"
      "  tombolo cp results.csv 0:results/7.csv\n"
      "                                from a guest to the host (slot 0), below the first folder\n"
      "                                that its tombolo-agent --host allows");
  const auto flags = std::make_shared<CopyFlags>();
  command->add_option("FROM", flags->from, "What to copy")
      ->required()
      ->option_text("FILE or SLOT:PATH");
  command->add_option("TO", flags->to, "Where to; a folder keeps the file's name")
      ->required()
      ->option_text("FILE or SLOT:PATH");
  command->add_flag("-q,--quiet", flags->quiet, "Neither a progress bar nor a summary");
  command->callback(
      [&context, flags] { context.run = [&context, flags] { return Run(context, *flags); }; });
}

}  // namespace tombolo::control

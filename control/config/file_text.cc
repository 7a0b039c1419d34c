#include "control/config/file_text.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {
namespace {

constexpr size_t kChunkBytes = 64 << 10;

}  // namespace

absl::StatusOr<std::string> ReadText(const std::string& path, size_t max_bytes) {
  // Non-blocking: a pipe without a writer must not hold up a program's start.
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.IsOpen()) return ErrnoStatus(errno, absl::StrCat("cannot read ", path));
  std::string text;
  while (text.size() <= max_bytes) {
    const size_t old_bytes = text.size();
    text.resize(old_bytes + kChunkBytes);
    const ssize_t got = read(file.Get(), text.data() + old_bytes, kChunkBytes);
    text.resize(old_bytes + (got > 0 ? static_cast<size_t>(got) : 0));
    if (got == 0) return text;
    if (got < 0 && errno != EINTR) return ErrnoStatus(errno, absl::StrCat("cannot read ", path));
  }
  return absl::InvalidArgumentError(
      absl::StrCat(path, " has more than ", max_bytes, " bytes; this is no configuration."));
}

}  // namespace tombolo::control

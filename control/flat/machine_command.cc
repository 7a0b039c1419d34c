#include "control/flat/machine_command.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "transport/base/errno_status.h"

namespace tombolo::control {
namespace {

constexpr char kSocketWord[] = "{socket}";

absl::Status KeepOpen(int fd) {
  if (fcntl(fd, F_SETFD, 0) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, absl::StrCat("clear close-on-exec of descriptor ", fd));
}

}  // namespace

absl::StatusOr<std::vector<std::string>> FillIn(const std::vector<std::string>& words,
                                                const SlotConnection& connection) {
  std::vector<std::pair<std::string, std::string>> values = {
      {"{slot}", absl::StrCat(connection.Slot())},
      {"{bytes}", absl::StrCat(connection.SharedRegion().Limits().region_bytes)},
      {"{region}", absl::StrCat("/proc/self/fd/", connection.MemoryFd())},
  };
  absl::Status kept = KeepOpen(connection.Socket());
  kept.Update(KeepOpen(connection.MemoryFd()));
  if (std::ranges::any_of(
          words, [](const auto& word) { return word.find(kSocketWord) != std::string::npos; })) {
    absl::StatusOr<UniqueFd> socket = connection.Repeat();
    if (!socket.ok()) return socket.status();
    kept.Update(KeepOpen(socket->Get()));
    values.emplace_back(kSocketWord, absl::StrCat(socket->Release()));
  }
  if (!kept.ok()) return kept;
  std::vector<std::string> filled;
  for (const std::string& word : words) filled.push_back(absl::StrReplaceAll(word, values));
  return filled;
}

absl::Status Execute(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  return absl::FailedPreconditionError(absl::StrCat(
      ErrnoStatus(errno, absl::StrCat("start '", words[0], "'")).message(), "; is it installed?"));
}

}  // namespace tombolo::control

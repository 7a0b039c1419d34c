#include "control/doctor/command_output.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

constexpr int kSignalled = 128;

// Starts `words` with nothing to read, and both of its outputs going to `to`.
absl::StatusOr<pid_t> Spawn(const std::vector<std::string>& words, int to) {
  std::vector<std::string> copies = words;
  std::vector<char*> arguments;
  for (std::string& word : copies) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, to, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, to, STDERR_FILENO);
  pid_t pid = -1;
  const int error =
      posix_spawnp(&pid, arguments.front(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return ErrnoStatus(error, absl::StrCat("run ", words.front()));
  return pid;
}

std::string ReadAll(int fd) {
  std::string text;
  char buffer[4096];
  ssize_t size = 0;
  while ((size = read(fd, buffer, sizeof(buffer))) > 0 || (size < 0 && errno == EINTR)) {
    if (size > 0 && text.size() < kMiB) text.append(buffer, static_cast<size_t>(size));
  }
  return text;
}

}  // namespace

absl::StatusOr<CommandOutput> RunCommand(const std::vector<std::string>& words) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "make a pipe");
  const UniqueFd from(ends[0]);
  UniqueFd to(ends[1]);
  const absl::StatusOr<pid_t> pid = Spawn(words, to.Get());
  if (!pid.ok()) return pid.status();
  to = UniqueFd();
  CommandOutput output{.exit_code = 0, .text = ReadAll(from.Get())};
  int status = 0;
  while (waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
  }
  output.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : kSignalled + WTERMSIG(status);
  return output;
}

}  // namespace tombolo::control

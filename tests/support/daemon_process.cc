#include "tests/support/daemon_process.h"

#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "tests/support/spin.h"
#include "transport/base/unix_socket.h"

namespace tombolo {
namespace {

constexpr char kProgram[] = "control/daemon/tombolod";

}  // namespace

DaemonProcess::DaemonProcess(const std::vector<std::string>& flags) {
  std::vector<std::string> words = {kProgram, "--runtime-dir", RuntimeDir(), "--store",
                                    "none",   "--log-level",   "warn"};
  words.insert(words.end(), flags.begin(), flags.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  if (posix_spawn(&pid_, kProgram, nullptr, nullptr, arguments.data(), environ) != 0) abort();
  // It listens there last of all.
  const std::string last = folder_.File("run/guest.sock");
  if (!SpinUntil([&last] { return ConnectUnix(last, SOCK_STREAM).ok(); })) abort();
}

int DaemonProcess::Stop() { return End(SIGTERM); }

void DaemonProcess::Kill() {
  if (pid_ > 0) End(SIGKILL);
}

int DaemonProcess::End(int signal) {
  kill(pid_, signal);
  int status = 0;
  waitpid(std::exchange(pid_, -1), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace tombolo

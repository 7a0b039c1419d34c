#include "control/doctor/check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "control/doctor/finding.h"
#include "control/doctor/finding_json.h"
#include "transport/base/clock.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

// More than any finding has.
constexpr size_t kMostBytes = 1 << 20;

// After a finding, which has none within.
constexpr char kEnd = '\n';

// A killed process can stay a while in a system call; it is not waited for longer.
constexpr int64_t kEndNs = kNsPerSecond;
constexpr int64_t kLookNs = kNsPerMs;

// In the child. It is the first of its own process group, dies with its parent, and has no
// terminal's input to wait for.
[[noreturn]] void Answer(const Check& check, int to) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing >= 0) dup2(nothing, STDIN_FILENO);
  const std::string said = FindingJson(check.run()) + kEnd;
  for (size_t written = 0; written < said.size();) {
    const ssize_t more = write(to, said.data() + written, said.size() - written);
    if (more < 0 && errno != EINTR) break;
    written += static_cast<size_t>(std::max<ssize_t>(more, 0));
  }
  _exit(EXIT_SUCCESS);
}

// False: `deadline_ns` is over.
bool WaitReadable(int fd, int64_t deadline_ns) {
  pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
  int64_t left_ns = deadline_ns - MonotonicNs();
  while (left_ns > 0) {
    const timespec timeout{left_ns / kNsPerSecond, left_ns % kNsPerSecond};
    if (ppoll(&readable, 1, &timeout, nullptr) > 0) return true;
    left_ns = deadline_ns - MonotonicNs();
  }
  return false;
}

// What is written to `fd` until kEnd comes, or its other end is closed; nothing when that takes too
// long. What the check has started may hold the other end open for ever.
std::optional<std::string> ReadFinding(int fd, int64_t deadline_ns) {
  std::string text;
  char buffer[4096];
  while (text.size() < kMostBytes && WaitReadable(fd, deadline_ns)) {
    const ssize_t size = read(fd, buffer, sizeof(buffer));
    if (size == 0 || (size < 0 && errno != EINTR)) return text;
    text.append(buffer, static_cast<size_t>(std::max<ssize_t>(size, 0)));
    if (text.ends_with(kEnd)) return text;
  }
  return std::nullopt;
}

// Waits until `child` has ended, without freeing its number, which is that of its group too.
std::optional<siginfo_t> WaitForEnd(pid_t child, int64_t deadline_ns) {
  do {
    siginfo_t end{};
    const int waited = waitid(P_PID, static_cast<id_t>(child), &end, WEXITED | WNOHANG | WNOWAIT);
    if (waited == 0 && end.si_pid == child) return end;
    if (waited != 0 && errno != EINTR) return std::nullopt;
    poll(nullptr, 0, static_cast<int>(kLookNs / kNsPerMs));
  } while (MonotonicNs() < deadline_ns);
  return std::nullopt;
}

void KillAndForget(pid_t child) {
  kill(-child, SIGKILL);
  kill(child, SIGKILL);
  if (WaitForEnd(child, MonotonicNs() + kEndNs)) waitpid(child, nullptr, 0);
}

std::string HowItEnded(const std::optional<siginfo_t>& end) {
  if (!end) return "said nothing and did not end";
  if (end->si_code == CLD_EXITED) return absl::StrCat("ended with exit code ", end->si_status);
  return absl::StrCat("was ended by signal ", end->si_status, " (", strsignal(end->si_status), ")");
}

Finding Silence(const Check& check, int64_t deadline_ns) {
  return Problem(absl::StrCat("no answer within ", deadline_ns / kNsPerMs, " ms"),
                 check.mend_silence);
}

Finding NoFinding(const std::optional<siginfo_t>& end) {
  return Problem(absl::StrCat("this check found nothing: its process ", HowItEnded(end)),
                 "report this as a bug, with the output of `tombolo doctor --json`");
}

}  // namespace

Finding RunGuarded(const Check& check, int64_t deadline_ns) {
  const int64_t until_ns = MonotonicNs() + deadline_ns;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return Problem(absl::StrCat("no pipe for this check: ", strerror(errno)),
                   "raise the limit of open files (`ulimit -n`)");
  }
  const UniqueFd from(ends[0]);
  UniqueFd to(ends[1]);
  const pid_t child = fork();
  if (child == 0) Answer(check, to.Get());
  if (child < 0) {
    return Problem(absl::StrCat("no process for this check: ", strerror(errno)),
                   "raise the limit of processes (`ulimit -u`), or end some");
  }
  setpgid(child, child);  // Also here: whoever comes first. Then the group is there to be killed.
  to = UniqueFd();
  const std::optional<std::string> said = ReadFinding(from.Get(), until_ns);
  std::optional<Finding> finding = said ? ParseFinding(*said) : Silence(check, deadline_ns);
  if (!finding) finding = NoFinding(WaitForEnd(child, MonotonicNs() + kEndNs));
  KillAndForget(child);
  return *std::move(finding);
}

}  // namespace tombolo::control

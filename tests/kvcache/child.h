// Child processes of a test, which do not outlive it.
#pragma once

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <utility>

namespace tombolo::kvcache {

// `live` does not return.
inline pid_t SpawnChild(const std::function<void()>& live) {
  const pid_t child = fork();
  if (child < 0) abort();
  if (child > 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  live();
  abort();
}

// Ends it, if there is one, and waits. Gives what waitpid() says; `child` is 0 then.
inline int EndChild(pid_t& child, int by_signal) {
  const pid_t ended = std::exchange(child, 0);
  int status = 0;
  if (ended > 0 && (kill(ended, by_signal) != 0 || waitpid(ended, &status, 0) != ended)) abort();
  return status;
}

}  // namespace tombolo::kvcache

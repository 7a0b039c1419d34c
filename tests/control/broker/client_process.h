// ClientProcess: a forked process that plays a part in a test.
#pragma once

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <utility>

#include "transport/base/unique_fd.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control {

// A forked client. Its body talks to the test through a pair of sockets: Say() there and Hear()
// here, and the other way round.
class ClientProcess {
 public:
  explicit ClientProcess(const std::function<int(int channel)>& body) {
    auto pair = UnixSocketPair(SOCK_SEQPACKET);
    if (!pair.ok()) abort();
    pid_ = fork();
    if (pid_ == 0) {
      pair->first.Reset();
      _exit(body(pair->second.Get()));
    }
    channel_ = std::move(pair->first);
  }
  ~ClientProcess() {
    if (pid_ > 0) Kill();
  }

  pid_t Pid() const { return pid_; }
  int Channel() const { return channel_.Get(); }

  void Kill() {
    kill(pid_, SIGKILL);
    Await();
  }
  // Without waiting.
  bool HasEnded() const {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid != 0;
  }
  int Await() {
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = -1;
  UniqueFd channel_;
};

inline void Say(int channel) {
  const char byte = 1;
  if (write(channel, &byte, 1) != 1) _exit(90);
}
inline void Hear(int channel) {
  char byte = 0;
  if (read(channel, &byte, 1) != 1) _exit(91);
}

}  // namespace tombolo::control

#include "control/holder/holder.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "control/holder/holder_protocol.h"
#include "control/holder/holder_store.h"
#include "transport/base/clock.h"
#include "transport/base/unique_fd.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control {
namespace {

constexpr int kFailed = 1;
constexpr char kProcessName[] = "tombolo-holder";  // At most 15 bytes (prctl(2)).

void AllowManyDescriptors() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int Fail(const char* what) {
  fprintf(stderr, "error: %s: %s\n", what, strerror(errno));
  return kFailed;
}

struct Child {
  pid_t pid = -1;
  UniqueFd pidfd;
  UniqueFd socket;
  int64_t started_ns = 0;
};

class Holder {
 public:
  Holder(const ChildMain& child_main, const RestartLimits& limits)
      : child_main_(child_main), policy_(limits) {}

  int Run();

 private:
  absl::Status BlockSignals();
  // Gives the exit code in the child, nothing in the parent.
  std::optional<int> Start(UniqueFd child_end);
  int BecomeChild(UniqueFd socket);
  void ServeUntilDeath();
  void TakeRequests();
  void Apply(const HolderRequest& request, ReceivedMessage& message);
  void ForwardSignal();
  void Rest(int64_t delay_ns);
  void Tell(int wait_status) const;

  const ChildMain& child_main_;
  RestartPolicy policy_;
  sigset_t former_mask_{};
  UniqueFd signals_;
  NamedDescriptors kept_;
  Child child_;
};

int Holder::Run() {
  if (!BlockSignals().ok()) return Fail("make a signalfd");
  AllowManyDescriptors();
  while (true) {
    auto pair = UnixSocketPair(SOCK_SEQPACKET);
    if (!pair.ok()) return Fail("make the holder's sockets");
    child_.socket = std::move(pair->first);
    if (const std::optional<int> code = Start(std::move(pair->second))) return *code;
    ServeUntilDeath();
    int status = 0;
    waitpid(child_.pid, &status, 0);
    TakeRequests();
    if (const std::optional<int> code =
            policy_.Judge({status, MonotonicNs() - child_.started_ns})) {
      return *code;
    }
    Tell(status);
    Rest(policy_.DelayNs());
    if (policy_.IsEndAsked()) return 0;
  }
}

absl::Status Holder::BlockSignals() {
  sigset_t forwarded;
  sigemptyset(&forwarded);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&forwarded, signal);
  sigprocmask(SIG_BLOCK, &forwarded, &former_mask_);
  signals_ = UniqueFd(signalfd(-1, &forwarded, SFD_CLOEXEC | SFD_NONBLOCK));
  return signals_.IsOpen() ? absl::OkStatus() : absl::InternalError("signalfd");
}

std::optional<int> Holder::Start(UniqueFd child_end) {
  fflush(nullptr);  // Or the child would write our buffers a second time.
  child_.started_ns = MonotonicNs();
  child_.pid = fork();
  if (child_.pid < 0) return Fail("fork");
  if (child_.pid == 0) return BecomeChild(std::move(child_end));
  prctl(PR_SET_NAME, kProcessName);
  child_.pidfd = UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, child_.pid, 0)));
  if (!child_.pidfd.IsOpen()) {
    const int code = Fail("open the child's pidfd");
    // Nobody would end a child that outlives an error.
    kill(child_.pid, SIGKILL);
    waitpid(child_.pid, nullptr, 0);
    return code;
  }
  return std::nullopt;
}

int Holder::BecomeChild(UniqueFd socket) {
  sigprocmask(SIG_SETMASK, &former_mask_, nullptr);
  prctl(PR_SET_NAME, program_invocation_short_name);
  signals_.Reset();
  child_.socket.Reset();
  child_.pidfd.Reset();
  HolderStore store(std::move(socket), std::exchange(kept_, {}));
  return child_main_(store);
}

void Holder::ServeUntilDeath() {
  while (true) {
    pollfd waits[] = {{.fd = child_.pidfd.Get(), .events = POLLIN, .revents = 0},
                      {.fd = child_.socket.Get(), .events = POLLIN, .revents = 0},
                      {.fd = signals_.Get(), .events = POLLIN, .revents = 0}};
    if (poll(waits, std::size(waits), -1) < 0) continue;
    if (waits[2].revents != 0) ForwardSignal();
    if (waits[1].revents & POLLIN) TakeRequests();
    if (waits[0].revents != 0) return;
    // A child that closed its socket has nothing more to say; a negative descriptor is not polled.
    if (waits[1].revents & POLLHUP) child_.socket.Reset();
  }
}

// Empties the queue. What the child sent before it died is still in it.
void Holder::TakeRequests() {
  while (child_.socket.IsOpen()) {
    pollfd wait{.fd = child_.socket.Get(), .events = POLLIN, .revents = 0};
    if (poll(&wait, 1, 0) != 1 || !(wait.revents & POLLIN)) return;
    HolderRequest request;
    auto message =
        ReceiveMessage(child_.socket.Get(), std::as_writable_bytes(std::span(&request, 1)));
    if (!message.ok()) {
      fprintf(stderr, "warning: holder: %s\n", std::string(message.status().message()).c_str());
      continue;
    }
    if (message->size_bytes == 0) return;
    if (message->size_bytes == sizeof(request)) Apply(request, *message);
  }
}

void Holder::Apply(const HolderRequest& request, ReceivedMessage& message) {
  const std::string name(request.name, strnlen(request.name, kMaxDescriptorNameBytes));
  switch (request.op) {
    case HolderOp::kStore:
      if (message.fds.size() == 1) kept_.insert_or_assign(name, std::move(message.fds[0]));
      break;
    case HolderOp::kRemove:
      kept_.erase(name);
      break;
    case HolderOp::kReady:
      policy_.ChildIsReady();
      break;
  }
}

void Holder::ForwardSignal() {
  signalfd_siginfo info;
  while (read(signals_.Get(), &info, sizeof(info)) == sizeof(info)) {
    const int signal = static_cast<int>(info.ssi_signo);
    if (signal != SIGHUP) policy_.EndWasAsked();
    if (child_.pidfd.IsOpen()) {
      syscall(SYS_pidfd_send_signal, child_.pidfd.Get(), signal, nullptr, 0);
    }
  }
}

// Waits before the next start; a signal to end cuts it short.
void Holder::Rest(int64_t delay_ns) {
  child_.pidfd.Reset();
  const int64_t end_ns = MonotonicNs() + delay_ns;
  while (!policy_.IsEndAsked()) {
    const int64_t left_ns = end_ns - MonotonicNs();
    if (left_ns <= 0) return;
    pollfd wait{.fd = signals_.Get(), .events = POLLIN, .revents = 0};
    poll(&wait, 1, static_cast<int>(left_ns / kNsPerMs + 1));
    ForwardSignal();
  }
}

void Holder::Tell(int wait_status) const {
  const bool killed = WIFSIGNALED(wait_status);
  fprintf(stderr, "warning: %s (pid %d) %s %d; it starts again in %lld ms with %zu descriptors.\n",
          program_invocation_short_name, child_.pid,
          killed ? "was killed by signal" : "ended with code",
          killed ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status),
          static_cast<long long>(policy_.DelayNs() / kNsPerMs), kept_.size());
}

}  // namespace

int RunUnderHolder(const ChildMain& child_main, const RestartLimits& limits) {
  return Holder(child_main, limits).Run();
}

}  // namespace tombolo::control

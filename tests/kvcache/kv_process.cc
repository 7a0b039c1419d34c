#include "tests/kvcache/kv_process.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "tests/kvcache/child.h"
#include "tests/support/spin.h"
#include "transport/base/unix_socket.h"

namespace tombolo::kvcache {
namespace {

constexpr char kProgram[] = "kvcache/server/tombolo-kv";

}  // namespace

KvProcess::KvProcess(std::vector<std::string> flags) : flags_(std::move(flags)) { Start(); }

void KvProcess::Start() {
  pid_ = SpawnChild([this] { Run(); });
  if (!SpinUntil([this] { return ConnectUnix(owner_, SOCK_STREAM).ok(); })) abort();
}

void KvProcess::Run() {
  std::vector<std::string> words = {kProgram, "-s", text_, "-e",       window_, "--owner-socket",
                                    owner_,   "-t", "2",   "--shards", "1"};
  words.insert(words.end(), flags_.begin(), flags_.end());
  if (geteuid() == 0) words.insert(words.end(), {"-u", "root"});
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  execv(kProgram, arguments.data());
}

void KvProcess::Kill() { EndChild(pid_, SIGKILL); }

int KvProcess::Stop() {
  const int status = EndChild(pid_, SIGTERM);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool KvProcess::IsRunning() const {
  siginfo_t ended = {};
  const int failed = waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT);
  return failed == 0 && ended.si_pid == 0;
}

}  // namespace tombolo::kvcache

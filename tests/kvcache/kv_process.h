// KvProcess: a real tombolo-kv as a child process, with one shard, an owner socket and a folder of
// its own.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

namespace tombolo::kvcache {

class KvProcess {
 public:
  // Starts it and waits until it serves; aborts the test when it does not. `flags` are added.
  explicit KvProcess(std::vector<std::string> flags);
  KvProcess(const KvProcess&) = delete;
  KvProcess& operator=(const KvProcess&) = delete;
  ~KvProcess() { Kill(); }

  // Anew, with the memory file that there is.
  void Start();
  // If it runs.
  void Kill();
  // As an operator does it. Gives its exit code; -1: a signal ended it.
  int Stop();

  bool IsRunning() const;
  pid_t Pid() const { return pid_; }
  const std::string& Window() const { return window_; }
  const std::string& Owner() const { return owner_; }

 private:
  void Run();

  const std::vector<std::string> flags_;
  TempDir folder_;
  const std::string window_ = folder_.File("memory");
  const std::string owner_ = folder_.File("owner.sock");
  const std::string text_ = folder_.File("kv.sock");
  pid_t pid_ = 0;
};

}  // namespace tombolo::kvcache

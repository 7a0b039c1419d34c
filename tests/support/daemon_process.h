// DaemonProcess: a real tombolod as a child process, without a holder and with a folder of its own.
// The test's data must have //control/daemon:tombolod.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

namespace tombolo {

class DaemonProcess {
 public:
  // Starts it and waits until it serves; aborts the test when it does not. `flags` are added to
  // --runtime-dir and --log-level.
  explicit DaemonProcess(const std::vector<std::string>& flags = {"--size", "16M"});

  // Kills it, if it still runs.
  ~DaemonProcess() { Kill(); }
  DaemonProcess(const DaemonProcess&) = delete;
  DaemonProcess& operator=(const DaemonProcess&) = delete;

  // Ends it as an operator does, and gives its exit code; -1: a signal ended it.
  int Stop();
  void Kill();

  pid_t Pid() const { return pid_; }
  std::string RuntimeDir() const { return folder_.File("run"); }
  std::string Broker() const { return folder_.File("run/broker.sock"); }

 private:
  int End(int signal);

  TempDir folder_;
  pid_t pid_ = -1;
};

}  // namespace tombolo

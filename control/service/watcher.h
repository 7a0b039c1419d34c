// Watcher: a running call that tells what happens, as the hub of all of them knows it.
#pragma once

#include <grpcpp/support/status.h>

namespace tombolo::control {

class Watcher {
 public:
  // Sends what comes next, if there is anything and no message is in flight. Any thread.
  virtual void Advance() = 0;

  // Ends the call with `status`; without effect if it has ended. Any thread.
  virtual void End(const grpc::Status& status) = 0;

 protected:
  ~Watcher() = default;
};

}  // namespace tombolo::control

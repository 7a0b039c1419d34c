// Follower: keeps a ClusterView as etcd has it, in a thread of its own, over one connection.
//
// Thread safety: made and destroyed in one thread, which cancels the client before.
#pragma once

#include <mutex>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "control/cluster/cluster_view.h"
#include "control/cluster/etcd_client.h"

namespace tombolo::control {

class Follower {
 public:
  // prefix: of the keys. `client` and `view` must outlive it.
  Follower(EtcdClient& client, ClusterView& view, std::string prefix);

  // Waits for the thread, which ends when the client is cancelled.
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  // Not good when it has ended.
  absl::Status GetStatus() const;

  // Whether the view has been as etcd has it since.
  bool HasCaughtUp() const;

 private:
  void Run();
  absl::Status FollowOnce();

  EtcdClient& client_;
  ClusterView& view_;
  const std::string prefix_;
  mutable std::mutex mutex_;  // Guards the next two.
  absl::Status status_;
  bool has_caught_up_ = false;
  std::thread thread_;
};

}  // namespace tombolo::control

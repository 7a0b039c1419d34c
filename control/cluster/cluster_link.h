// ClusterLink: publishes this host in etcd and follows the other hosts there, in threads of its
// own.
//
// Nothing on the host depends on it, nor waits for it: it reads the daemon's replica of the
// membership when it likes, and writes a ClusterView. etcd may be missing, hang, lie or be cut off.
//
//   one session after another, each with one connection to one of etcd's servers:
//     publisher   a lease of kLeaseSeconds; every kTick: keep it alive, claim our name, put what
//     has
//                 changed of our region
//     follower    list everything, then watch it, and list anew when etcd has forgotten so much
//   any failure ends the session; after a pause, which grows, the next server is tried
//
// The name of a host is claimed by a transaction, and every put depends on that claim: of two
// daemons with one name the second publishes nothing, says so, and tries again. A daemon that was
// killed finds its own claim by its region's uuid and takes it over.
//
// There are no queues: what is published is looked at anew each time, and what was not told in time
// is told as it is later.
//
// Thread safety: made and destroyed in one thread.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "control/broker/log_limit.h"
#include "control/cluster/cluster_options.h"
#include "control/cluster/cluster_view.h"
#include "control/service/membership_view.h"
#include "control/tls/tls_files.h"

namespace tombolo::control {

class ClusterLink {
 public:
  // With which a host is gone within 3 s of its last word: etcd looks for expired leases twice a
  // second.
  static constexpr int64_t kLeaseSeconds = 2;

  // tls: none is in the clear. `membership` and `view` must outlive it.
  ClusterLink(ClusterOptions options, std::optional<TlsMaterial> tls,
              const MembershipView& membership, ClusterView& view);

  // Takes what it has published out of etcd, if that answers within a second or two.
  ~ClusterLink();

  // For the connections that are made from now on; one that is there stays. From any thread.
  void RenewTls(TlsMaterial tls);

  ClusterLink(const ClusterLink&) = delete;
  ClusterLink& operator=(const ClusterLink&) = delete;

 private:
  void Run();
  // Ok when it is to stop.
  absl::Status RunSession(const std::string& endpoint);
  // False when it is to stop.
  bool Pause(int64_t duration_ns);
  std::optional<TlsMaterial> Tls();
  void SayFailure(const absl::Status& status);
  void SayAnswer(const std::string& endpoint, const std::string& problem);

  const ClusterOptions options_;
  const MembershipView& membership_;
  ClusterView& view_;
  std::mutex mutex_;  // Guards tls_ and is_stopping_.
  std::optional<TlsMaterial> tls_;
  std::condition_variable changed_;
  bool is_stopping_ = false;
  // Of the thread, as all that follows.
  bool is_up_ = false;  // In this session.
  LogLimit failure_limit_;
  LogLimit answer_limit_;
  bool has_said_failure_ = false;  // Since the last answer.
  bool has_said_answer_ = false;
  std::string said_problem_;
  std::thread thread_;
};

}  // namespace tombolo::control

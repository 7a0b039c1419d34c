// Publisher: the claim of our name and the value of our region in etcd, over one connection and
// under one lease. Tick() makes both as they should be, as often as it is called.
//
// What another one may write at any moment, an administrator or an enemy, is put right: a key of
// ours that is gone or is not as we have put it is claimed anew, if no other host has it.
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "control/cluster/cluster_info.h"
#include "control/cluster/cluster_view.h"
#include "control/cluster/etcd_client.h"

namespace tombolo::control {

class Publisher {
 public:
  // `client` and `view` must outlive it.
  Publisher(EtcdClient& client, const ClusterView& view, std::string prefix, int64_t lease)
      : client_(client), view_(view), prefix_(std::move(prefix)), lease_(lease) {}

  // Keeps the lease alive, and publishes `own`. An error ends the connection.
  absl::Status Tick(const ClusterHost& own);

  // Why our name is not ours, as a sentence; empty when it is.
  const std::string& Problem() const { return problem_; }

 private:
  absl::Status Claim(const ClusterHost& own);
  absl::Status TakeOver(const ClusterHost& own, const EtcdItem& theirs);
  absl::Status PutRegion(const ClusterHost& own);
  bool IsUndone();

  EtcdClient& client_;
  const ClusterView& view_;
  const std::string prefix_;
  const int64_t lease_;
  std::string host_key_;
  std::string region_key_;
  std::string region_value_;     // That was put last.
  int64_t claim_revision_ = 0;   // 0: the name is not ours.
  int64_t region_revision_ = 0;  // 0: not put since then.
  int undone_ticks_ = 0;
  std::string problem_;
};

}  // namespace tombolo::control

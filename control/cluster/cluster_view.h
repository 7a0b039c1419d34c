// ClusterView: what is known of the hosts of a cluster, kept up by ClusterLink, asked by gRPC.
//
// What comes from etcd is checked (cluster_values.h) and bounded: more keys than kMaxKeys, or more
// bytes than kMaxBytes, are refused, and what is refused is counted. The own host is told as it is,
// whatever etcd says of it, unless another one has its name.
//
// Thread safety: all of it from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "control/cluster/cluster_info.h"
#include "control/cluster/cluster_values.h"
#include "control/cluster/etcd_item.h"

namespace tombolo::control {

class ClusterView {
 public:
  static constexpr size_t kMaxKeys = 4096;
  static constexpr size_t kMaxBytes = size_t{8} << 20;

  // own: this host as it is now; from any thread.
  ClusterView(std::string prefix, std::function<ClusterHost()> own);

  // All that etcd has below HostsPrefix(), instead of what was known.
  void Replace(const std::vector<EtcdItem>& items);
  void Apply(const std::vector<EtcdChange>& changes);

  // etcd has answered, and what it has is known: unreachable no more. `problem` is empty unless
  // kNameTaken.
  void NoteAnswer(EtcdState state, const std::string& problem, int64_t now_ns);

  // It does not answer.
  void NoteFailure(const std::string& problem);

  ClusterInfo Info(int64_t now_ns) const;

  // The revision in which a key of the own host was last put, as etcd tells; 0: it is not there.
  int64_t OwnRevision(const std::string& key) const;

 private:
  struct Entry {
    std::optional<ClusterHost> host = std::nullopt;     // Of its own key; regions empty.
    std::map<std::string, ClusterRegion> regions = {};  // By uuid.
  };

  void Put(const EtcdItem& item);
  void Forget(const std::string& key);
  bool Take(const ClusterKey& key, const EtcdItem& item);
  bool HasRoomFor(const EtcdItem& item) const;
  std::vector<ClusterHost> Hosts() const;

  const std::string prefix_;
  const std::function<ClusterHost()> own_;
  const std::string own_name_;
  mutable std::mutex mutex_;  // Guards all below.
  EtcdState state_ = EtcdState::kConnecting;
  std::string problem_;
  std::optional<int64_t> answered_ns_;
  std::map<std::string, int64_t> own_revisions_;  // By key.
  std::map<std::string, size_t> taken_;           // Key -> bytes of its value.
  size_t taken_bytes_ = 0;
  std::set<std::string> refused_;  // Keys.
  std::map<std::string, Entry> hosts_;
};

}  // namespace tombolo::control

#include "control/cluster/cluster_view.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"

namespace tombolo::control {
namespace {

constexpr size_t kMaxOwnKeys = 64;

}  // namespace

ClusterView::ClusterView(std::string prefix, std::function<ClusterHost()> own)
    : prefix_(std::move(prefix)), own_(std::move(own)), own_name_(own_().name) {}

void ClusterView::Replace(const std::vector<EtcdItem>& items) {
  const std::lock_guard<std::mutex> lock(mutex_);
  own_revisions_.clear();
  taken_.clear();
  taken_bytes_ = 0;
  refused_.clear();
  hosts_.clear();
  for (const EtcdItem& item : items) Put(item);
}

void ClusterView::Apply(const std::vector<EtcdChange>& changes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const EtcdChange& change : changes) {
    if (change.is_gone) {
      Forget(change.item.key);
    } else {
      Put(change.item);
    }
  }
}

void ClusterView::NoteAnswer(EtcdState state, const std::string& problem, int64_t now_ns) {
  const std::lock_guard<std::mutex> lock(mutex_);
  state_ = state;
  problem_ = problem;
  answered_ns_ = now_ns;
}

void ClusterView::NoteFailure(const std::string& problem) {
  const std::lock_guard<std::mutex> lock(mutex_);
  state_ = answered_ns_ ? EtcdState::kUnreachable : EtcdState::kConnecting;
  problem_ = problem;
}

void ClusterView::Put(const EtcdItem& item) {
  Forget(item.key);
  const std::optional<ClusterKey> key = ParseClusterKey(prefix_, item.key);
  if (key && key->host == own_name_ && own_revisions_.size() < kMaxOwnKeys) {
    own_revisions_[item.key] = item.mod_revision;
  }
  if (key && HasRoomFor(item) && Take(*key, item)) {
    taken_[item.key] = item.value.size();
    taken_bytes_ += item.value.size();
  } else if (refused_.size() < kMaxKeys) {
    refused_.insert(item.key);
  }
}

bool ClusterView::HasRoomFor(const EtcdItem& item) const {
  return taken_.size() < kMaxKeys && item.value.size() <= kMaxBytes - taken_bytes_;
}

bool ClusterView::Take(const ClusterKey& key, const EtcdItem& item) {
  if (key.region.empty()) {
    absl::StatusOr<ClusterHost> host = ParseHostValue(key, item.value);
    if (!host.ok()) return false;
    hosts_[key.host].host = *std::move(host);
    return true;
  }
  absl::StatusOr<ClusterRegion> region = ParseRegionValue(key, item.value);
  if (!region.ok()) return false;
  hosts_[key.host].regions[key.region] = *std::move(region);
  return true;
}

void ClusterView::Forget(const std::string& key) {
  own_revisions_.erase(key);
  refused_.erase(key);
  const auto taken = taken_.find(key);
  if (taken == taken_.end()) return;
  taken_bytes_ -= taken->second;
  taken_.erase(taken);
  const ClusterKey parsed = *ParseClusterKey(prefix_, key);
  const auto host = hosts_.find(parsed.host);
  if (parsed.region.empty()) {
    host->second.host.reset();
  } else {
    host->second.regions.erase(parsed.region);
  }
  if (!host->second.host && host->second.regions.empty()) hosts_.erase(host);
}

int64_t ClusterView::OwnRevision(const std::string& key) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = own_revisions_.find(key);
  return found == own_revisions_.end() ? 0 : found->second;
}

// A region without its host is one whose host has just gone, or has not come yet.
std::vector<ClusterHost> ClusterView::Hosts() const {
  std::vector<ClusterHost> hosts;
  for (const auto& [name, entry] : hosts_) {
    if (!entry.host) continue;
    hosts.push_back(*entry.host);
    for (const auto& [uuid, region] : entry.regions) hosts.back().regions.push_back(region);
  }
  return hosts;
}

ClusterInfo ClusterView::Info(int64_t now_ns) const {
  ClusterHost own = own_();
  ClusterInfo info;
  info.own_host = own.name;
  const std::lock_guard<std::mutex> lock(mutex_);
  info.state = state_;
  info.problem = problem_;
  if (answered_ns_) info.age_ns = now_ns - *answered_ns_;
  info.refused_values = refused_.size();
  info.hosts = Hosts();
  if (state_ == EtcdState::kNameTaken) return info;
  std::erase_if(info.hosts, [&own](const ClusterHost& host) { return host.name == own.name; });
  const auto place = std::ranges::upper_bound(info.hosts, own.name, {}, &ClusterHost::name);
  info.hosts.insert(place, std::move(own));
  return info;
}

}  // namespace tombolo::control

#include "control/cluster/follower.h"

#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace tombolo::control {

Follower::Follower(EtcdClient& client, ClusterView& view, std::string prefix)
    : client_(client), view_(view), prefix_(std::move(prefix)), thread_([this] { Run(); }) {}

Follower::~Follower() { thread_.join(); }

absl::Status Follower::GetStatus() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return status_;
}

bool Follower::HasCaughtUp() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return has_caught_up_;
}

// A watch that was overtaken by etcd's compaction is begun anew once; when that happens at once
// again, the session's own pause goes before the next attempt.
void Follower::Run() {
  absl::Status ended = FollowOnce();
  if (absl::IsOutOfRange(ended)) ended = FollowOnce();
  const std::lock_guard<std::mutex> lock(mutex_);
  status_ = ended.ok() ? absl::UnavailableError("etcd has ended the watch.") : ended;
}

absl::Status Follower::FollowOnce() {
  const absl::StatusOr<EtcdClient::Listing> listing =
      client_.List(prefix_, ClusterView::kMaxKeys, 2 * ClusterView::kMaxBytes);
  if (!listing.ok()) return listing.status();
  view_.Replace(listing->items);
  return client_.Watch(prefix_, listing->revision, [this](const std::vector<EtcdChange>& changes) {
    view_.Apply(changes);
    const std::lock_guard<std::mutex> lock(mutex_);
    has_caught_up_ = true;
  });
}

}  // namespace tombolo::control

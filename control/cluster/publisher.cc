#include "control/cluster/publisher.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/cluster/cluster_values.h"

namespace tombolo::control {
namespace {

// A watch tells of our own puts a little later.
constexpr int kUndoneTicks = 3;

std::string Taken(const std::string& name, const std::string& by) {
  return absl::StrCat("the name ", name, " is taken in etcd by ", by,
                      ": this host is not published; give it another one with --cluster-host.");
}

}  // namespace

absl::Status Publisher::Tick(const ClusterHost& own) {
  if (absl::Status alive = client_.KeepAlive(lease_); !alive.ok()) return alive;
  if (IsUndone()) claim_revision_ = 0;
  if (claim_revision_ == 0) {
    if (absl::Status claimed = Claim(own); !claimed.ok()) return claimed;
  }
  return claim_revision_ == 0 ? absl::OkStatus() : PutRegion(own);
}

bool Publisher::IsUndone() {
  const bool as_put =
      claim_revision_ == 0 ||
      (view_.OwnRevision(host_key_) == claim_revision_ &&
       (region_revision_ == 0 || view_.OwnRevision(region_key_) == region_revision_));
  undone_ticks_ = as_put ? 0 : undone_ticks_ + 1;
  return undone_ticks_ >= kUndoneTicks;
}

absl::Status Publisher::Claim(const ClusterHost& own) {
  host_key_ = HostKey(prefix_, own.name);
  undone_ticks_ = 0;
  region_revision_ = 0;
  absl::StatusOr<EtcdClient::Claim> claim =
      client_.ClaimKey(host_key_, HostValue(own), lease_, /*expected_mod_revision=*/0);
  if (!claim.ok()) return claim.status();
  claim_revision_ = claim->revision;
  if (claim_revision_ == 0 && claim->theirs) return TakeOver(own, *claim->theirs);
  if (claim_revision_ != 0) problem_.clear();
  return absl::OkStatus();
}

// What has our name already: we ourselves before, or another.
absl::Status Publisher::TakeOver(const ClusterHost& own, const EtcdItem& theirs) {
  const absl::StatusOr<ClusterHost> other = ParseHostValue({own.name, {}}, theirs.value);
  if (!other.ok()) {
    problem_ = Taken(own.name, absl::StrCat("a value that makes no sense (", host_key_, ")"));
    return absl::OkStatus();
  }
  if (other->instance != own.instance) {
    problem_ = Taken(own.name, absl::StrCat("the tombolod of region ", other->instance));
    return absl::OkStatus();
  }
  const absl::StatusOr<EtcdClient::Claim> claim =
      client_.ClaimKey(host_key_, HostValue(own), lease_, theirs.mod_revision);
  if (!claim.ok()) return claim.status();
  claim_revision_ = claim->revision;
  if (claim_revision_ != 0) problem_.clear();
  return absl::OkStatus();
}

absl::Status Publisher::PutRegion(const ClusterHost& own) {
  const ClusterRegion& region = own.regions.front();
  std::string value = RegionValue(region);
  if (region_revision_ != 0 && value == region_value_) return absl::OkStatus();
  region_key_ = RegionKey(prefix_, own.name, region.region.uuid);
  const absl::StatusOr<int64_t> revision =
      client_.PutGuarded(region_key_, value, lease_, host_key_, claim_revision_);
  if (absl::IsFailedPrecondition(revision.status())) {
    claim_revision_ = 0;
    return absl::OkStatus();
  }
  if (!revision.ok()) return revision.status();
  region_revision_ = *revision;
  region_value_ = std::move(value);
  return absl::OkStatus();
}

}  // namespace tombolo::control

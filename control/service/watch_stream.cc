#include "control/service/watch_stream.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "control/proto/convert.h"
#include "control/registry/membership.h"
#include "control/service/grpc_status.h"

namespace tombolo::control {
namespace {

grpc::Status OtherRegion(const std::string& asked, const std::string& present) {
  return {grpc::StatusCode::OUT_OF_RANGE,
          "the revision is of region " + asked + ", but this is region " + present +
              ": tombolod was started anew. Ask again with 0 for a snapshot."};
}

}  // namespace

void WatchStream::Begin(const v1::WatchPeersRequest& request) {
  const std::string region_uuid = view_.Region().uuid;
  const std::lock_guard<std::mutex> lock(mutex_);
  begun_ = true;
  revision_ = request.resume_after_revision();
  if (revision_ == 0) {
    MembershipSnapshot snapshot = view_.Snapshot();
    revision_ = snapshot.revision;
    WriteLocked(ToWatchResponse(snapshot, region_uuid));
  } else if (!request.region_uuid().empty() && request.region_uuid() != region_uuid) {
    EndLocked(OtherRegion(request.region_uuid(), region_uuid));
  } else {
    AdvanceLocked();
  }
}

void WatchStream::Advance() {
  const std::lock_guard<std::mutex> lock(mutex_);
  AdvanceLocked();
}

void WatchStream::End(const grpc::Status& status) {
  const std::lock_guard<std::mutex> lock(mutex_);
  EndLocked(status);
}

void WatchStream::OnWriteDone(bool ok) {
  const std::lock_guard<std::mutex> lock(mutex_);
  writing_ = false;
  if (ok) {
    AdvanceLocked();
  } else {
    EndLocked(grpc::Status::CANCELLED);
  }
}

void WatchStream::OnCancel() { End(grpc::Status::CANCELLED); }

void WatchStream::OnDone() {
  on_done_(this);
  delete this;
}

void WatchStream::AdvanceLocked() {
  if (!begun_ || writing_ || ended_) return;
  const absl::StatusOr<std::optional<MembershipEvent>> event = view_.EventAfter(revision_);
  if (!event.ok()) {
    EndLocked(ToGrpc(event.status()));
  } else if (event->has_value()) {
    revision_ = (*event)->revision;
    WriteLocked(ToWatchResponse(**event));
  }
}

void WatchStream::WriteLocked(v1::WatchPeersResponse response) {
  if (ended_) return;
  in_flight_ = std::move(response);
  writing_ = true;
  StartWrite(&in_flight_);
}

void WatchStream::EndLocked(const grpc::Status& status) {
  if (std::exchange(ended_, true)) return;
  Finish(status);
}

}  // namespace tombolo::control

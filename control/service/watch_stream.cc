#include "control/service/watch_stream.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "control/service/grpc_status.h"

namespace tombolo::control {
namespace {

grpc::Status OtherRegion(const std::string& asked, const std::string& present) {
  return {grpc::StatusCode::OUT_OF_RANGE,
          "the revision is of region " + asked + ", but this is region " + present +
              ": tombolod was started anew. Ask again with 0 for a snapshot."};
}

}  // namespace

template <typename Feed>
void WatchStream<Feed>::Begin(const Request& request) {
  const std::string region_uuid = view_.Region().uuid;
  const std::lock_guard<std::mutex> lock(mutex_);
  begun_ = true;
  revision_ = request.resume_after_revision();
  if (revision_ == 0) {
    Response everything = Feed::Everything(view_);
    revision_ = everything.revision();
    WriteLocked(std::move(everything));
  } else if (!request.region_uuid().empty() && request.region_uuid() != region_uuid) {
    EndLocked(OtherRegion(request.region_uuid(), region_uuid));
  } else {
    AdvanceLocked();
  }
}

template <typename Feed>
void WatchStream<Feed>::Advance() {
  const std::lock_guard<std::mutex> lock(mutex_);
  AdvanceLocked();
}

template <typename Feed>
void WatchStream<Feed>::End(const grpc::Status& status) {
  const std::lock_guard<std::mutex> lock(mutex_);
  EndLocked(status);
}

template <typename Feed>
void WatchStream<Feed>::OnWriteDone(bool ok) {
  const std::lock_guard<std::mutex> lock(mutex_);
  writing_ = false;
  if (ok) {
    AdvanceLocked();
  } else {
    EndLocked(grpc::Status::CANCELLED);
  }
}

template <typename Feed>
void WatchStream<Feed>::OnCancel() {
  End(grpc::Status::CANCELLED);
}

template <typename Feed>
void WatchStream<Feed>::OnDone() {
  on_done_(this);
  delete this;
}

template <typename Feed>
void WatchStream<Feed>::AdvanceLocked() {
  if (!begun_ || writing_ || ended_) return;
  absl::StatusOr<std::optional<Response>> next = Feed::After(view_, revision_);
  if (!next.ok()) {
    EndLocked(ToGrpc(next.status()));
  } else if (next->has_value()) {
    revision_ = (*next)->revision();
    WriteLocked(**std::move(next));
  }
}

template <typename Feed>
void WatchStream<Feed>::WriteLocked(Response response) {
  if (ended_) return;
  in_flight_ = std::move(response);
  writing_ = true;
  this->StartWrite(&in_flight_);
}

template <typename Feed>
void WatchStream<Feed>::EndLocked(const grpc::Status& status) {
  if (std::exchange(ended_, true)) return;
  this->Finish(status);
}

template class WatchStream<PeerFeed>;
template class WatchStream<ServiceFeed>;

}  // namespace tombolo::control

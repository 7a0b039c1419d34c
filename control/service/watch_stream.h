// WatchStream: one running call that watches, without a thread of its own. `Feed` (watch_feeds.h)
// is what it tells.
//
//   Begin --> idle <--> writing one message --> ended --> OnDone (deletes itself)
//
// At most one message is in flight; whatever else happens meanwhile stays in the view's history,
// where the stream finds it when the client has taken the message. It ends only with an error:
// the .proto files say which.
//
// Ownership: gRPC holds it until OnDone(), where it says good-bye to the hub and deletes itself.
// Thread safety: every function may be called from any thread. gRPC runs reactions (On...) in
// threads of its own, never inside the calls that start them, so they may be made under the lock.
#pragma once

#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include <cstdint>
#include <functional>
#include <mutex>

#include "control/service/membership_view.h"
#include "control/service/watch_feeds.h"
#include "control/service/watcher.h"

namespace tombolo::control {

template <typename Feed>
class WatchStream final : public grpc::ServerWriteReactor<typename Feed::Response>, public Watcher {
 public:
  using Request = typename Feed::Request;
  using Response = typename Feed::Response;

  // on_done: called last, once, when gRPC has let go of the call.
  WatchStream(const MembershipView& view, std::function<void(Watcher*)> on_done)
      : view_(view), on_done_(std::move(on_done)) {}

  // Starts with a snapshot, or after the revision that the request names.
  void Begin(const Request& request);

  void Advance() override;
  void End(const grpc::Status& status) override;

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  void AdvanceLocked();
  void WriteLocked(Response response);
  void EndLocked(const grpc::Status& status);

  const MembershipView& view_;
  const std::function<void(Watcher*)> on_done_;
  std::mutex mutex_;  // Guards all below.
  bool begun_ = false;
  bool writing_ = false;
  bool ended_ = false;
  uint64_t revision_ = 0;  // Of the latest event that was sent.
  Response in_flight_;     // gRPC's while writing_.
};

extern template class WatchStream<PeerFeed>;
extern template class WatchStream<ServiceFeed>;

}  // namespace tombolo::control

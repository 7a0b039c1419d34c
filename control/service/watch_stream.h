// WatchStream: one running WatchPeers call, without a thread of its own.
//
//   Begin --> idle <--> writing one message --> ended --> OnDone (deletes itself)
//
// At most one message is in flight; whatever else happens meanwhile stays in the view's history,
// where the stream finds it when the client has taken the message. It ends only with an error:
// membership.proto says which.
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

#include "control/proto/membership.pb.h"
#include "control/service/membership_view.h"

namespace tombolo::control {

class WatchStream : public grpc::ServerWriteReactor<v1::WatchPeersResponse> {
 public:
  // on_done: called last, once, when gRPC has let go of the call.
  WatchStream(const MembershipView& view, std::function<void(WatchStream*)> on_done)
      : view_(view), on_done_(std::move(on_done)) {}

  // Starts with a snapshot, or after the revision that the request names.
  void Begin(const v1::WatchPeersRequest& request);

  // Sends the next event, if there is one and no message is in flight.
  void Advance();

  // Ends the call with `status`; without effect if it has ended.
  void End(const grpc::Status& status);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  void AdvanceLocked();
  void WriteLocked(v1::WatchPeersResponse response);
  void EndLocked(const grpc::Status& status);

  const MembershipView& view_;
  const std::function<void(WatchStream*)> on_done_;
  std::mutex mutex_;  // Guards all below.
  bool begun_ = false;
  bool writing_ = false;
  bool ended_ = false;
  uint64_t revision_ = 0;             // Of the latest event that was sent.
  v1::WatchPeersResponse in_flight_;  // gRPC's while writing_.
};

}  // namespace tombolo::control

// WatchHub: all WatchPeers calls of one server, and the one thread that moves them on when there is
// an event. The publishing thread only raises a flag: what gRPC does to send is not done there.
//
// Ownership: streams are gRPC's; the hub knows those that have begun and are not done. Thread
// safety: every function may be called from any thread.
#pragma once

#include <grpcpp/support/status.h>

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <set>
#include <thread>

#include "control/service/membership_view.h"
#include "control/service/watch_stream.h"

namespace tombolo::control {

class WatchHub {
 public:
  // `view` must outlive the hub. max_streams: how many may run at once.
  WatchHub(MembershipView& view, size_t max_streams);

  // Stops, and waits until gRPC is done with every stream: the server must be shut down by then.
  ~WatchHub();

  // A new stream, known to the hub until it is done. The caller begins it if `admitted` is good and
  // ends it with `admitted` otherwise (too many, or stopping).
  struct NewStream {
    WatchStream* stream;
    grpc::Status admitted;
  };
  NewStream Make();

  // Ends every stream with UNAVAILABLE and admits no more.
  void Stop();

 private:
  grpc::Status AdmitLocked() const;
  void Forget(WatchStream* stream);
  void Run();

  MembershipView& view_;
  const size_t max_streams_;
  std::mutex mutex_;  // Taken before a stream's own lock. Guards streams_ and stopping_.
  std::condition_variable all_done_;
  std::set<WatchStream*> streams_;
  bool stopping_ = false;

  std::mutex
      wake_mutex_;  // Guards the two below; the publishing thread takes no other lock of ours.
  std::condition_variable wake_;
  bool event_waits_ = false;
  bool quit_ = false;

  int listener_ = 0;
  std::thread thread_;
};

}  // namespace tombolo::control

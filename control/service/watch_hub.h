// WatchHub: all calls of one server that watch, and the one thread that moves them on when there is
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
#include "control/service/watcher.h"

namespace tombolo::control {

class WatchHub {
 public:
  // `view` must outlive the hub. max_streams: how many may run at once.
  WatchHub(MembershipView& view, size_t max_streams);

  // Stops, and waits until gRPC is done with every stream: the server must be shut down by then.
  ~WatchHub();

  // A new stream, known to the hub until it is done, which begins, or ends at once when there are
  // too many or the hub is stopping. For gRPC, which owns it.
  template <typename Feed>
  WatchStream<Feed>* Start(const typename Feed::Request& request) {
    auto* stream = new WatchStream<Feed>(view_, [this](Watcher* done) { Forget(done); });
    if (const grpc::Status admitted = Admit(stream); admitted.ok()) {
      stream->Begin(request);
    } else {
      stream->End(admitted);
    }
    return stream;
  }

  // Ends every stream with UNAVAILABLE and admits no more.
  void Stop();

 private:
  // Knows it from then on, whatever the answer is.
  grpc::Status Admit(Watcher* watcher);
  grpc::Status JudgeLocked() const;
  void Forget(Watcher* watcher);
  void Run();

  MembershipView& view_;
  const size_t max_streams_;
  std::mutex mutex_;  // Taken before a stream's own lock. Guards watchers_ and stopping_.
  std::condition_variable all_done_;
  std::set<Watcher*> watchers_;
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

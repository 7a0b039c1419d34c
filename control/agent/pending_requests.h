// PendingRequests: what an agent has asked the daemon and still waits for. A request is asked again
// whenever the control link comes up anew; one that is not answered in time fails.
//
// Reply: LinkAttachReply or LinkServiceReply. Thread safety: the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/event_loop/event_loop.h"
#include "control/event_loop/watch.h"
#include "transport/base/units.h"

namespace tombolo::control {

template <typename Reply>
class PendingRequests {
 public:
  // Sends the request of that number.
  using Ask = std::function<void(uint64_t request)>;
  using Done = std::function<void(const absl::StatusOr<Reply>& reply)>;

  // `loop` must outlive it.
  PendingRequests(EventLoop& loop, int64_t deadline_ns) : loop_(loop), deadline_ns_(deadline_ns) {}

  // Asks, and calls `done` once: with the answer, or with Unavailable when the deadline is over.
  void Add(Ask ask, Done done) {
    const uint64_t request = ++last_request_;
    Watch deadline = loop_.After(deadline_ns_, [this, request] { Expire(request); });
    const auto added =
        pending_.emplace(request, Pending{std::move(ask), std::move(done), std::move(deadline)});
    added.first->second.ask(request);
  }

  void AskAgain() const {
    for (const auto& [request, pending] : pending_) pending.ask(request);
  }

  // False: nobody waits for it any more.
  bool Answer(uint64_t request, const absl::StatusOr<Reply>& reply) {
    auto found = pending_.extract(request);
    if (found.empty()) return false;
    found.mapped().done(reply);
    return true;
  }

 private:
  struct Pending {
    Ask ask;
    Done done;
    Watch deadline;
  };

  void Expire(uint64_t request) {
    Answer(request, absl::UnavailableError(
                        absl::StrCat("the daemon on the host has not answered within ",
                                     deadline_ns_ / kNsPerMs, " ms; is tombolod running there?")));
  }

  EventLoop& loop_;
  const int64_t deadline_ns_;
  uint64_t last_request_ = 0;
  std::map<uint64_t, Pending> pending_;
};

}  // namespace tombolo::control

// HttpConnection: one client of an HttpServer: a request at a time, answered before the next is
// read, until either side has had enough.
//
//   waiting --head complete--> answering --all sent--> waiting         (keep-alive)
//      |                           +------------------> draining --end of file--> done
//      +---no request, or too long a one: error------------^
//
// Draining: what the client still sends is read and thrown away for a moment, because closing a
// socket with bytes unread makes the kernel take back the answer that the client has not read yet.
// Who sends a second request without waiting for the first answer (pipelining) is drained too, and
// asks again.
//
// What a client may cost: kMaxHeadBytes of requests, the one answer that is being sent, a
// descriptor, and kDeadlineNs without a complete request or with an answer that is not fetched.
//
// Not thread-safe: the server's loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "control/event_loop/event_loop.h"
#include "control/event_loop/watch.h"
#include "control/http/http_request.h"
#include "control/http/http_response.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"

namespace tombolo::control {

class HttpConnection {
 public:
  static constexpr size_t kMaxHeadBytes = 8 * 1024;
  static constexpr int64_t kDeadlineNs = 20 * kNsPerSecond;
  static constexpr int64_t kDrainNs = kNsPerSecond;

  struct Owner {
    // What is answered to a request that is one.
    std::function<HttpResponse(const HttpRequest&)> answer;
    // A request came: of all connections this is the one that was used last.
    std::function<void(HttpConnection*)> on_used;
    // It is over. The last thing that the connection does, so its owner may drop it.
    std::function<void(HttpConnection*)> on_done;
  };

  // `socket` does not block. `loop` and `owner` must outlive it.
  HttpConnection(EventLoop& loop, UniqueFd socket, const Owner& owner);

  // Begins; on_done may be called at once.
  void Start();

 private:
  enum class State { kWaiting, kAnswering, kDraining };

  void Enter(State state, int64_t deadline_ns);
  void OnReady();
  void ReceiveRequest();
  void Drain();
  void Serve();
  void Answer(const HttpResponse& response, bool is_head, bool keep_alive);
  void Send();
  void Done() { owner_.on_done(this); }

  EventLoop& loop_;
  const UniqueFd socket_;
  const Owner& owner_;
  State state_ = State::kWaiting;
  std::string received_;  // Of the request that is not complete.
  std::string to_send_;
  size_t sent_bytes_ = 0;
  bool keep_alive_ = false;  // When all is sent.
  Watch watch_;
  Watch deadline_;
};

}  // namespace tombolo::control

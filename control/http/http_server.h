// HttpServer: answers GET and HEAD of HTTP/1.1 at one address, in a thread of its own with an event
// loop of its own. It reads no files and changes nothing: whatever is asked goes to one function.
//
// Whoever may connect may try to keep others from being answered. No connection waits for another;
// there are at most kMaxConnections of them, and when one more comes, the one that was used longest
// ago is dropped for it. So connections that idle, trickle or stall take nothing from who comes
// with a request. What each may cost is said in http_connection.h.
//
// At a loopback address a request must name the server by its address or as localhost, so that the
// page of a stranger in the operator's browser cannot read it under a name that leads here.
//
// Thread safety: Start and the destructor in one thread; the handler is called in the server's.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/statusor.h"
#include "control/event_loop/event_loop.h"
#include "control/http/http_connection.h"
#include "control/http/http_request.h"
#include "control/http/http_response.h"
#include "control/tunnel/listener.h"
#include "control/tunnel/socket_address.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {

class HttpServer {
 public:
  static constexpr size_t kMaxConnections = 64;

  // From a path, as "/metrics", to what is answered. Quick: everybody waits for it.
  using Handler = std::function<HttpResponse(std::string_view path)>;

  // Answers when it returns. Port 0: the kernel chooses. A Unix socket gets the mode 0660. Errors:
  // AlreadyExists when somebody else is there.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const SocketAddress& address,
                                                           Handler handler);

  // Stops at once, in the middle of answers too.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Where it answers, as "http://127.0.0.1:9477/".
  std::string Url() const;

 private:
  HttpServer(const SocketAddress& address, Handler handler, std::unique_ptr<EventLoop> loop);

  HttpResponse Answer(const HttpRequest& request) const;
  void OnConnection(UniqueFd socket);
  void OnUsed(HttpConnection* connection);
  void OnDone(HttpConnection* connection);

  const SocketAddress address_;
  const Handler handler_;
  const HttpConnection::Owner owner_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Listener> listener_;
  std::list<std::unique_ptr<HttpConnection>> connections_;  // The one used longest ago first.
  std::thread thread_;
};

}  // namespace tombolo::control

// Blocking sockets for tests: clients, and servers that run in threads. Every wait has an end.
#pragma once

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "control/tunnel/socket_address.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {

inline void SetTimeouts(int fd) {
  const timeval limit{.tv_sec = 20, .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

// Connected and blocking, with time-outs; not open when nobody listens.
UniqueFd ConnectBlocking(const std::string& address);

// Connects and waits for the end: true when that is a reset, however soon it comes.
bool IsResetWhenConnected(const std::string& address);

// All of `text`; false when the other side has gone.
bool SendAll(int fd, std::string_view text);

// Exactly `bytes`, or fewer when the end comes first.
std::string ReceiveExactly(int fd, size_t bytes);

// Until the end. `error`: the errno that ended it, 0 for an end in order.
std::string ReceiveUntilEnd(int fd, int* error = nullptr);

// Listens at an address of its own and serves each connection in a thread.
class TestServer {
 public:
  using Serve = std::function<void(int fd)>;

  // `address`: with port 0 for any.
  TestServer(const std::string& address, Serve serve);
  ~TestServer();

  std::string Address() const { return address_; }

 private:
  void AcceptAll();

  std::string address_;
  UniqueFd listener_;
  Serve serve_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

// Sends back what comes, and closes after the end.
void ServeEcho(int fd);

}  // namespace tombolo::control

// TextClient: connections of one client to a server of memcached's text protocol, each with one
// request under way at most. One thread; whatever goes wrong ends the bench.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/unique_fd.h"

namespace tombolo::bench {

class TextClient {
 public:
  // `address`: a port of 127.0.0.1, IPV4:PORT, or the path of a Unix socket.
  TextClient(const std::string& address, size_t connections);

  // Sends `requests` of them, the next one of `texts` each time, round and round, on whatever
  // connection is free, and waits for all answers. An answer has `answer_bytes`.
  void Ask(const std::vector<std::string>& texts, size_t answer_bytes, size_t requests);

 private:
  struct Connection {
    UniqueFd socket;
    size_t left_bytes = 0;  // Of the answer.
  };

  void Send(Connection& connection, std::string_view request, size_t answer_bytes);
  bool Receive(Connection& connection);

  std::vector<Connection> connections_;
  UniqueFd epoll_;
  std::vector<char> buffer_;
  size_t next_ = 0;
};

}  // namespace tombolo::bench

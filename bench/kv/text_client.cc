#include "bench/kv/text_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "bench/transport/require.h"
#include "transport/base/units.h"
#include "transport/base/unix_socket.h"

namespace tombolo::bench {
namespace {

constexpr char kLoopback[] = "127.0.0.1";
constexpr size_t kBufferBytes = 256 * kKiB;

UniqueFd ConnectTcp(const std::string& host, uint16_t port) {
  UniqueFd made(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {}, .sin_zero = {}};
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) Fail(host + " is no IPv4 address");
  Require(connect(made.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0,
          ("connecting to " + host).c_str());
  const int on = 1;
  Require(setsockopt(made.Get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0, "TCP_NODELAY");
  return made;
}

UniqueFd Connect(const std::string& address) {
  if (address.starts_with('/')) return Require(ConnectUnix(address, SOCK_STREAM));
  const size_t colon = address.find(':');
  const std::string port = colon == std::string::npos ? address : address.substr(colon + 1);
  const std::string host = colon == std::string::npos ? kLoopback : address.substr(0, colon);
  return ConnectTcp(host, static_cast<uint16_t>(atoi(port.c_str())));
}

}  // namespace

TextClient::TextClient(const std::string& address, size_t connections)
    : epoll_(epoll_create1(EPOLL_CLOEXEC)), buffer_(kBufferBytes) {
  connections_.resize(connections);
  for (size_t i = 0; i < connections; ++i) {
    connections_[i].socket = Connect(address);
    epoll_event event = {.events = EPOLLIN, .data = {.u64 = i}};
    Require(epoll_ctl(epoll_.Get(), EPOLL_CTL_ADD, connections_[i].socket.Get(), &event) == 0,
            "watching a socket");
  }
}

void TextClient::Ask(const std::vector<std::string>& texts, size_t answer_bytes, size_t requests) {
  size_t to_send = requests, to_hear = requests;
  const auto send_next = [&](Connection& connection) {
    if (to_send == 0) return;
    --to_send;
    Send(connection, texts[next_++ % texts.size()], answer_bytes);
  };
  for (Connection& connection : connections_) send_next(connection);
  std::array<epoll_event, 64> events;
  while (to_hear > 0) {
    const int ready =
        epoll_wait(epoll_.Get(), events.data(), static_cast<int>(events.size()), /*timeout=*/-1);
    for (int i = 0; i < ready; ++i) {
      Connection& connection = connections_[events[static_cast<size_t>(i)].data.u64];
      if (!Receive(connection)) continue;
      --to_hear;
      send_next(connection);
    }
  }
}

void TextClient::Send(Connection& connection, std::string_view request, size_t answer_bytes) {
  connection.left_bytes = answer_bytes;
  while (!request.empty()) {
    const ssize_t sent =
        send(connection.socket.Get(), request.data(), request.size(), MSG_NOSIGNAL);
    Require(sent > 0, "sending");
    request.remove_prefix(static_cast<size_t>(sent));
  }
}

// Whether all of the answer is there.
bool TextClient::Receive(Connection& connection) {
  const ssize_t got = recv(connection.socket.Get(), buffer_.data(), buffer_.size(), 0);
  Require(got > 0, "receiving");
  // More than was expected: an error is longer than what it stands for, or this bench is wrong.
  if (static_cast<size_t>(got) > connection.left_bytes) {
    Fail("an unexpected answer: " +
         std::string(buffer_.data(), std::min<size_t>(static_cast<size_t>(got), 80)));
  }
  connection.left_bytes -= static_cast<size_t>(got);
  return connection.left_bytes == 0;
}

}  // namespace tombolo::bench

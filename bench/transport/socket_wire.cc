#include "bench/transport/socket_wire.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "bench/transport/require.h"
#include "transport/base/units.h"

namespace tombolo::bench {
namespace {

// A packet must fit into the default send buffer; a stream takes everything.
constexpr size_t kLargestPacketBytes = 64 * kKiB;
constexpr size_t kNoLimit = SIZE_MAX;

std::array<UniqueFd, 2> UnixPair(int type) {
  int fds[2];
  Require(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) == 0, "making a pair of sockets");
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

void SendAtOnce(const UniqueFd& socket) {
  const int on = 1;
  Require(setsockopt(socket.Get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0, "TCP_NODELAY");
}

std::array<UniqueFd, 2> TcpPair() {
  const UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{
      .sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  Require(bind(listener.Get(), generic, size) == 0 && listen(listener.Get(), 1) == 0 &&
              getsockname(listener.Get(), generic, &size) == 0,
          "listening on 127.0.0.1");
  UniqueFd lead(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  Require(connect(lead.Get(), generic, size) == 0, "connecting to 127.0.0.1");
  UniqueFd follow(accept(listener.Get(), nullptr, nullptr));
  Require(follow.IsOpen(), "accepting");
  SendAtOnce(lead);
  SendAtOnce(follow);
  return {std::move(lead), std::move(follow)};
}

}  // namespace

std::shared_ptr<Wire> SocketWire::UnixStream() {
  auto [lead, follow] = UnixPair(SOCK_STREAM);
  return std::shared_ptr<Wire>(
      new SocketWire("unix_stream", std::move(lead), std::move(follow), kNoLimit));
}

std::shared_ptr<Wire> SocketWire::UnixSeqpacket() {
  auto [lead, follow] = UnixPair(SOCK_SEQPACKET);
  return std::shared_ptr<Wire>(
      new SocketWire("unix_seqpacket", std::move(lead), std::move(follow), kLargestPacketBytes));
}

std::shared_ptr<Wire> SocketWire::LoopbackTcp() {
  auto [lead, follow] = TcpPair();
  return std::shared_ptr<Wire>(new SocketWire("tcp", std::move(lead), std::move(follow), kNoLimit));
}

SocketWire::SocketWire(std::string name, UniqueFd lead, UniqueFd follow, size_t largest_piece_bytes)
    : name_(std::move(name)),
      lead_(std::move(lead)),
      follow_(std::move(follow)),
      largest_piece_bytes_(largest_piece_bytes) {}

void SocketWire::OpenSide(Side side) { own_ = side == Side::kLead ? lead_.Get() : follow_.Get(); }

void SocketWire::Send(std::span<const std::byte> message) {
  while (!message.empty()) {
    const size_t piece = std::min(message.size(), largest_piece_bytes_);
    const ssize_t sent = send(own_, message.data(), piece, MSG_NOSIGNAL);
    Require(sent > 0, "sending");
    message = message.subspan(static_cast<size_t>(sent));
  }
}

void SocketWire::ReceiveOne(std::span<std::byte> message) {
  while (!message.empty()) {
    const ssize_t received = recv(own_, message.data(), message.size(), 0);
    Require(received > 0, "receiving");
    message = message.subspan(static_cast<size_t>(received));
  }
}

void SocketWire::Receive(std::span<std::byte> message, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) ReceiveOne(message);
}

}  // namespace tombolo::bench

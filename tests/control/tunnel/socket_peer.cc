#include "tests/control/tunnel/socket_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

namespace tombolo::control {
namespace {

constexpr int kDeadlineMs = 20'000;

void MakeBlocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK); }

bool WaitFor(int fd, short events) {
  pollfd wait{.fd = fd, .events = events, .revents = 0};
  return poll(&wait, 1, kDeadlineMs) > 0;
}

}  // namespace

UniqueFd ConnectBlocking(const std::string& address) {
  const SocketAddress parsed = SocketAddress::Parse(address).value();
  absl::StatusOr<UniqueFd> fd = parsed.StartConnect();
  if (!fd.ok() || !WaitFor(fd->Get(), POLLOUT) || !parsed.ConnectError(fd->Get()).ok()) {
    return UniqueFd();
  }
  MakeBlocking(fd->Get());
  SetTimeouts(fd->Get());
  return *std::move(fd);
}

bool IsResetWhenConnected(const std::string& address) {
  const SocketAddress parsed = SocketAddress::Parse(address).value();
  absl::StatusOr<UniqueFd> fd = parsed.StartConnect();
  if (!fd.ok() || !WaitFor(fd->Get(), POLLIN)) return false;
  char byte;
  return recv(fd->Get(), &byte, sizeof(byte), 0) < 0 && errno == ECONNRESET;
}

bool SendAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

std::string ReceiveExactly(int fd, size_t bytes) {
  std::string text(bytes, '\0');
  size_t size = 0;
  while (size < bytes) {
    const ssize_t received = recv(fd, text.data() + size, bytes - size, 0);
    if (received <= 0) break;
    size += static_cast<size_t>(received);
  }
  text.resize(size);
  return text;
}

std::string ReceiveUntilEnd(int fd, int* error) {
  std::string text;
  std::string buffer(1 << 16, '\0');
  while (true) {
    const ssize_t received = recv(fd, buffer.data(), buffer.size(), 0);
    if (error != nullptr) *error = received < 0 ? errno : 0;
    if (received <= 0) return text;
    text.append(buffer, 0, static_cast<size_t>(received));
  }
}

TestServer::TestServer(const std::string& address, Serve serve)
    : address_(address),
      listener_(SocketAddress::Parse(address).value().Listen(0600).value()),
      serve_(std::move(serve)) {
  if (const uint16_t port = LocalPort(listener_.Get()); port != 0) {
    address_ = absl::StrCat("127.0.0.1:", port);
  }
  MakeBlocking(listener_.Get());
  acceptor_ = std::thread([this] { AcceptAll(); });
}

TestServer::~TestServer() {
  shutdown(listener_.Get(), SHUT_RDWR);  // Ends accept().
  acceptor_.join();
  for (std::thread& thread : threads_) thread.join();
}

void TestServer::AcceptAll() {
  while (true) {
    UniqueFd connection(accept4(listener_.Get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection.IsOpen()) return;
    SetTimeouts(connection.Get());
    threads_.emplace_back([this, fd = std::move(connection)] { serve_(fd.Get()); });
  }
}

void ServeEcho(int fd) {
  std::string buffer(1 << 16, '\0');
  while (true) {
    const ssize_t received = recv(fd, buffer.data(), buffer.size(), 0);
    if (received <= 0) return;
    if (!SendAll(fd, std::string_view(buffer).substr(0, static_cast<size_t>(received)))) return;
  }
}

}  // namespace tombolo::control

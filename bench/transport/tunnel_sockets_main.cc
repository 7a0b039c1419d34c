// tunnel_sockets ROUNDS PORT NAME=PORT...: serves at 127.0.0.1:PORT and talks to itself through
// each of the other ports, one after the other in every round; what listens there carries the
// connections to PORT. Prints NAME/latency and NAME/throughput in the form of transport_pair.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/transport/require.h"
#include "transport/base/clock.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"

namespace tombolo::bench {
namespace {

constexpr size_t kSmallBytes = 8;
constexpr size_t kBlockBytes = 256 * kKiB;
constexpr size_t kManyBytes = 64 * kMiB;
constexpr int kWarmUpTurns = 100;
constexpr int kTurns = 400;

struct Path {
  std::string name;
  uint16_t port;
};

sockaddr_in Loopback(uint16_t port) {
  return {.sin_family = AF_INET,
          .sin_port = htons(port),
          .sin_addr = {htonl(INADDR_LOOPBACK)},
          .sin_zero = {}};
}

void SendAtOnce(const UniqueFd& socket) {
  const int on = 1;
  Require(setsockopt(socket.Get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0, "TCP_NODELAY");
}

UniqueFd Connect(uint16_t port) {
  UniqueFd made(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = Loopback(port);
  Require(connect(made.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0,
          "connecting to 127.0.0.1");
  SendAtOnce(made);
  return made;
}

void SendAll(const UniqueFd& socket, const char* bytes, size_t size) {
  for (size_t sent = 0; sent < size;) {
    const ssize_t now = send(socket.Get(), bytes + sent, size - sent, MSG_NOSIGNAL);
    Require(now > 0, "sending");
    sent += static_cast<size_t>(now);
  }
}

// Echoes what is small. Of the rest it says one byte when all has come.
void Serve(const UniqueFd& socket) {
  SendAtOnce(socket);
  std::vector<char> block(kBlockBytes);
  bool is_small = true;
  for (;;) {
    const ssize_t now = recv(socket.Get(), block.data(), block.size(), 0);
    if (now <= 0) break;
    is_small = is_small && static_cast<size_t>(now) <= kSmallBytes;
    if (is_small) SendAll(socket, block.data(), static_cast<size_t>(now));
  }
  if (!is_small) SendAll(socket, block.data(), 1);
}

[[noreturn]] void ServeForEver(uint16_t port) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(listener.Get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const sockaddr_in address = Loopback(port);
  Require(bind(listener.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
              listen(listener.Get(), SOMAXCONN) == 0,
          "listening at 127.0.0.1");
  for (;;) {
    UniqueFd socket(accept(listener.Get(), nullptr, nullptr));
    Require(socket.IsOpen(), "accepting");
    std::thread([](UniqueFd served) { Serve(served); }, std::move(socket)).detach();
  }
}

void Ask(const UniqueFd& socket) {
  char bytes[kSmallBytes] = {};
  SendAll(socket, bytes, sizeof(bytes));
  Require(recv(socket.Get(), bytes, sizeof(bytes), MSG_WAITALL) == kSmallBytes, "hearing an echo");
}

// Half of a round trip of 8 bytes.
double LatencyNs(uint16_t port) {
  const UniqueFd socket = Connect(port);
  for (int i = 0; i < kWarmUpTurns; ++i) Ask(socket);
  const int64_t begin_ns = MonotonicNs();
  for (int i = 0; i < kTurns; ++i) Ask(socket);
  return static_cast<double>(MonotonicNs() - begin_ns) / (2 * kTurns);
}

// Bytes a second, from the first byte sent until the other end has all.
double Throughput(uint16_t port) {
  const UniqueFd socket = Connect(port);
  const std::vector<char> block(kBlockBytes, 1);
  SendAll(socket, block.data(), block.size());
  const int64_t begin_ns = MonotonicNs();
  for (size_t sent = 0; sent < kManyBytes; sent += block.size()) {
    SendAll(socket, block.data(), block.size());
  }
  shutdown(socket.Get(), SHUT_WR);
  char done = 0;
  Require(recv(socket.Get(), &done, 1, MSG_WAITALL) == 1, "hearing that all has come");
  return static_cast<double>(kManyBytes) * kNsPerSecond /
         static_cast<double>(MonotonicNs() - begin_ns);
}

void Print(const Path& path, const char* what, const char* unit, double value) {
  printf("{\"name\": \"%s/%s\", \"unit\": \"%s\", \"value\": %.9g}\n", path.name.c_str(), what,
         unit, value);
}

bool Answers(uint16_t port) {
  const UniqueFd probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = Loopback(port);
  return connect(probe.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

int Main(int argc, char** argv) {
  if (argc < 4) Fail("usage: tunnel_sockets ROUNDS PORT NAME=PORT...");
  const int rounds = atoi(argv[1]);
  const auto port = static_cast<uint16_t>(atoi(argv[2]));
  std::vector<Path> paths;
  for (int i = 3; i < argc; ++i) {
    const char* word = argv[i];
    const char* sign = strchr(word, '=');
    if (sign == nullptr) Fail("a path is NAME=PORT");
    paths.push_back({std::string(word, sign), static_cast<uint16_t>(atoi(sign + 1))});
  }
  const pid_t server = fork();
  if (server == 0) ServeForEver(port);
  while (!Answers(port)) std::this_thread::yield();
  for (const Path& path : paths) {
    while (!Answers(path.port)) std::this_thread::yield();
  }
  for (int round = 0; round < rounds; ++round) {
    for (const Path& path : paths) Print(path, "latency", "ns", LatencyNs(path.port));
    for (const Path& path : paths) Print(path, "throughput", "B/s", Throughput(path.port));
  }
  kill(server, SIGKILL);
  return 0;
}

}  // namespace
}  // namespace tombolo::bench

int main(int argc, char** argv) { return tombolo::bench::Main(argc, argv); }

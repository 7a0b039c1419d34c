#include "tests/kvcache/protocol/stock_memcached.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "tests/support/spin.h"
#include "transport/base/unique_fd.h"
#include "transport/base/unix_socket.h"

namespace tombolo::kvcache {
namespace {

constexpr int kPatienceMs = 20'000;

// Sends what fits; false when the other end takes nothing more.
bool SendSome(int socket, std::string_view& input) {
  const ssize_t sent = send(socket, input.data(), input.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) return errno == EAGAIN || errno == EINTR;
  input.remove_prefix(static_cast<size_t>(sent));
  return true;
}

// Receives what is there; false at the end.
bool ReceiveSome(int socket, std::string& answers) {
  std::array<char, 65536> buffer;
  const ssize_t got = recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  answers.append(buffer.data(), static_cast<size_t>(got));
  return got > 0;
}

}  // namespace

StockMemcached::StockMemcached() {
  // Without the threads that hold items for a moment: a number is then not changed in place.
  std::string words[] = {"memcached",
                         "-u",
                         "root",
                         "-s",
                         path_,
                         "-m",
                         "64",
                         "-t",
                         "1",
                         "-o",
                         "no_lru_maintainer,no_lru_crawler,no_slab_reassign"};
  std::array<char*, std::size(words) + 1> arguments = {};
  for (size_t i = 0; i < std::size(words); ++i) arguments[i] = words[i].data();
  if (posix_spawn(&pid_, "/usr/bin/memcached", nullptr, nullptr, arguments.data(), environ) != 0) {
    abort();
  }
  if (!SpinUntil([this] { return ConnectUnix(path_, SOCK_STREAM).ok(); })) abort();
}

StockMemcached::~StockMemcached() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::string StockMemcached::Talk(std::string_view input) const {
  const UniqueFd socket = *ConnectUnix(path_, SOCK_STREAM);
  std::string answers;
  bool is_sending = true;
  for (;;) {
    pollfd waiting = {.fd = socket.Get(), .events = POLLIN, .revents = 0};
    if (is_sending) waiting.events |= POLLOUT;
    if (poll(&waiting, 1, kPatienceMs) <= 0) return answers + "(silence)";
    if ((waiting.revents & POLLOUT) != 0 && is_sending) {
      is_sending = SendSome(socket.Get(), input) && !input.empty();
      if (!is_sending) shutdown(socket.Get(), SHUT_WR);
    }
    if ((waiting.revents & (POLLIN | POLLHUP)) != 0 && !ReceiveSome(socket.Get(), answers)) {
      return answers;
    }
  }
}

}  // namespace tombolo::kvcache

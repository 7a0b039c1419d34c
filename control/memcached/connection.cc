#include "control/memcached/connection.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/base/clock.h"
#include "transport/base/errno_status.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

constexpr size_t kReadBytes = 64 * kKiB;

absl::Status Gone(const std::string& server) {
  return absl::UnavailableError(
      absl::StrCat(server, " has closed the connection before it answered; its log may say why."));
}

}  // namespace

Connection::Connection(UniqueFd socket, std::string server, int64_t timeout_ns)
    : socket_(std::move(socket)), server_(std::move(server)), timeout_ns_(timeout_ns) {}

absl::Status Connection::WaitFor(short events, std::string_view what) {
  const int64_t deadline_ns = MonotonicNs() + timeout_ns_;
  for (;;) {
    const int64_t left_ms = std::max<int64_t>(deadline_ns - MonotonicNs(), 0) / kNsPerMs;
    pollfd waiting{.fd = socket_.Get(), .events = events, .revents = 0};
    const int ready = poll(&waiting, 1, static_cast<int>(left_ms));
    if (ready > 0) return absl::OkStatus();
    if (ready < 0 && errno != EINTR) return ErrnoStatus(errno, absl::StrCat("wait for ", server_));
    if (ready == 0) break;
  }
  return absl::UnavailableError(
      absl::StrCat(server_, " is connected and has ", std::string(what), " nothing for ",
                   static_cast<double>(timeout_ns_) / static_cast<double>(kNsPerSecond),
                   " s: it is stopped or too busy, or is no memcached server."));
}

absl::Status Connection::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket_.Get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      if (absl::Status ready = WaitFor(POLLOUT, "taken"); !ready.ok()) return ready;
    } else if (errno != EINTR) {
      return Gone(server_);
    }
  }
  return absl::OkStatus();
}

absl::Status Connection::ReadMore() {
  const size_t had = read_.size();
  read_.resize(had + kReadBytes);
  for (;;) {
    const ssize_t got = recv(socket_.Get(), read_.data() + had, kReadBytes, 0);
    if (got < 0 && errno == EINTR) continue;
    read_.resize(had + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got > 0) return absl::OkStatus();
    if (got == 0 || errno != EAGAIN) return Gone(server_);
    if (absl::Status ready = WaitFor(POLLIN, "said"); !ready.ok()) return ready;
    read_.resize(had + kReadBytes);
  }
}

absl::StatusOr<std::string> Connection::ReadLine() {
  size_t end;
  while ((end = read_.find('\n')) == std::string::npos) {
    if (read_.size() > kMostLineBytes) {
      return absl::FailedPreconditionError(
          absl::StrCat(server_, " says a line of more than ", kMostLineBytes,
                       " bytes, which no memcached server does: name one with --server."));
    }
    if (absl::Status more = ReadMore(); !more.ok()) return more;
  }
  std::string line = read_.substr(0, end);
  read_.erase(0, end + 1);
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

absl::StatusOr<std::string> Connection::ReadBlock(size_t bytes) {
  while (read_.size() < bytes) {
    if (absl::Status more = ReadMore(); !more.ok()) return more;
  }
  std::string rest = read_.substr(bytes);
  read_.resize(bytes);
  return std::exchange(read_, std::move(rest));
}

}  // namespace tombolo::control

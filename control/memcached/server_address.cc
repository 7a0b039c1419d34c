#include "control/memcached/server_address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"
#include "transport/base/units.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";
constexpr char kUsualPort[] = "11211";

absl::Status NoAddress(const std::string& text) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", text,
                   "' is no address of a server; write HOST:PORT, HOST, [IPV6]:PORT or unix:PATH, "
                   "with a port from 1 to 65535 and at most ",
                   sizeof(sockaddr_un::sun_path) - 1, " bytes of PATH."));
}

// getaddrinfo() takes what is no port, too, modulo 2^16.
bool IsPort(const std::string& text) {
  uint32_t port = 0;
  const bool is_number = text.find_first_not_of("0123456789") == std::string::npos;
  return is_number && absl::SimpleAtoi(text, &port) && port > 0 && port <= UINT16_MAX;
}

struct AddressesDeleter {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, AddressesDeleter>;

// 0, or the errno.
int Connected(const UniqueFd& socket, const addrinfo& address, int64_t timeout_ns) {
  if (connect(socket.Get(), address.ai_addr, address.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS && errno != EINTR) return errno;
  pollfd waiting{.fd = socket.Get(), .events = POLLOUT, .revents = 0};
  if (poll(&waiting, 1, static_cast<int>(timeout_ns / kNsPerMs)) <= 0) return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(socket.Get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

// Why nobody is reached, and what to do.
absl::Status Explain(const absl::Status& why) {
  std::string seen(why.message());
  if (seen.ends_with('.')) seen.pop_back();
  if (absl::IsPermissionDenied(why)) {
    return absl::PermissionDeniedError(absl::StrCat(
        seen, "; who may use the socket is said by its owner, group and mode (-a of the server)."));
  }
  return absl::UnavailableError(
      absl::StrCat(seen,
                   "; start tombolo-kv or memcached there, or name another place with --server "
                   "HOST:PORT or --server unix:PATH."));
}

}  // namespace

absl::StatusOr<ServerAddress> ServerAddress::Parse(const std::string& text) {
  ServerAddress parsed;
  if (text.starts_with(kUnixPrefix)) {
    parsed.text_ = text;
    parsed.unix_path_ = text.substr(kUnixPrefix.size());
    const size_t size = parsed.unix_path_.size();
    if (size == 0 || size >= sizeof(sockaddr_un::sun_path)) return NoAddress(text);
    return parsed;
  }
  const size_t colon = text.rfind(':');
  const bool has_port = colon != std::string::npos && !text.ends_with(']');
  parsed.host_ = has_port ? text.substr(0, colon) : text;
  parsed.port_ = has_port ? text.substr(colon + 1) : kUsualPort;
  parsed.text_ = parsed.host_ + ":" + parsed.port_;
  if (parsed.host_.starts_with('[') && parsed.host_.ends_with(']')) {
    parsed.host_ = parsed.host_.substr(1, parsed.host_.size() - 2);
  } else if (parsed.host_.find_first_of(":/[] ") != std::string::npos) {
    return NoAddress(text);
  }
  if (parsed.host_.empty() || !IsPort(parsed.port_)) return NoAddress(text);
  return parsed;
}

absl::StatusOr<UniqueFd> ServerAddress::Connect(int64_t timeout_ns) const {
  // The kernel answers at once whether somebody listens at a Unix socket.
  absl::StatusOr<UniqueFd> socket = unix_path_.empty()
                                        ? ConnectTcp(timeout_ns)
                                        : ConnectUnix(unix_path_, SOCK_STREAM | SOCK_NONBLOCK);
  if (!socket.ok()) return Explain(socket.status());
  return socket;
}

absl::StatusOr<UniqueFd> ServerAddress::ConnectTcp(int64_t timeout_ns) const {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int wrong = getaddrinfo(host_.c_str(), port_.c_str(), &hints, &found);
  if (wrong != 0) {
    return absl::NotFoundError(absl::StrCat("look up ", host_, ": ", gai_strerror(wrong)));
  }
  const Addresses list(found);
  int error = 0;
  for (const addrinfo* one = list.get(); one != nullptr; one = one->ai_next) {
    UniqueFd fd(socket(one->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    error = fd.IsOpen() ? Connected(fd, *one, timeout_ns) : errno;
    if (error != 0) continue;
    const int on = 1;
    setsockopt(fd.Get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
  }
  return ErrnoStatus(error, absl::StrCat("connect to ", text_));
}

}  // namespace tombolo::control

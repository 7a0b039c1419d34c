#include "control/tunnel/socket_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/un.h>

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";
constexpr int kListenBacklog = 1024;

absl::Status BadAddress(std::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", absl::string_view(text.data(), text.size()),
                   "' is no address; write 127.0.0.1:PORT, [::1]:PORT or unix:/PATH."));
}

socklen_t FillUnix(const std::string& path, sockaddr_storage& storage) {
  // SAFETY: sockaddr_storage is made to be used as any address, and is zeroed.
  auto& address = reinterpret_cast<sockaddr_un&>(storage);
  if (path.size() >= sizeof(address.sun_path)) return 0;
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path.data(), path.size());
  return sizeof(address);
}

socklen_t FillTcp(std::string host, uint16_t port, sockaddr_storage& storage) {
  if (host == "localhost") host = "127.0.0.1";
  // SAFETY: as above.
  auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
  if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    return sizeof(v4);
  }
  if (host.size() < 2 || host.front() != '[' || host.back() != ']') return 0;
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  if (inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &v6.sin6_addr) != 1) return 0;
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  return sizeof(v6);
}

}  // namespace

absl::StatusOr<SocketAddress> SocketAddress::Parse(std::string_view text) {
  SocketAddress parsed;
  parsed.text_ = text;
  if (text.starts_with(kUnixPrefix)) {
    parsed.unix_path_ = text.substr(kUnixPrefix.size());
    parsed.address_bytes_ = FillUnix(parsed.unix_path_, parsed.address_);
    if (parsed.unix_path_.empty() || parsed.address_bytes_ == 0) return BadAddress(text);
    return parsed;
  }
  const size_t colon = text.rfind(':');
  uint32_t port = 0;
  if (colon == std::string_view::npos || !absl::SimpleAtoi(parsed.text_.substr(colon + 1), &port) ||
      port > UINT16_MAX) {
    return BadAddress(text);
  }
  parsed.address_bytes_ =
      FillTcp(parsed.text_.substr(0, colon), static_cast<uint16_t>(port), parsed.address_);
  if (parsed.address_bytes_ == 0) return BadAddress(text);
  return parsed;
}

bool SocketAddress::operator==(const SocketAddress& other) const {
  return address_bytes_ == other.address_bytes_ &&
         memcmp(&address_, &other.address_, address_bytes_) == 0;
}

bool SocketAddress::IsLoopback() const {
  // SAFETY: the family tells which address it is.
  if (address_.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address_);
    return ntohl(v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
  }
  if (address_.ss_family != AF_INET6) return false;
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address_);
  return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

absl::StatusOr<UniqueFd> SocketAddress::MakeSocket() const {
  UniqueFd fd(socket(address_.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.IsOpen()) return fd;
  const int error = errno;
  const absl::Status status = ErrnoStatus(error, absl::StrCat("make a socket for ", text_));
  if (error != EAFNOSUPPORT) return status;
  return absl::Status(status.code(),
                      absl::StrCat(status.message(),
                                   "; a service of systemd needs PrivateNetwork=no and AF_INET in "
                                   "RestrictAddressFamilies= for that (systemctl edit)."));
}

absl::StatusOr<UniqueFd> SocketAddress::Listen(unsigned unix_mode) const {
  if (IsUnix()) return ListenUnix(unix_path_, SOCK_STREAM | SOCK_NONBLOCK, unix_mode);
  absl::StatusOr<UniqueFd> fd = MakeSocket();
  if (!fd.ok()) return fd;
  const int on = 1;
  setsockopt(fd->Get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(fd->Get(), reinterpret_cast<const sockaddr*>(&address_), address_bytes_) != 0 ||
      listen(fd->Get(), kListenBacklog) != 0) {
    if (errno == EADDRINUSE) {
      return absl::AlreadyExistsError(
          absl::StrCat("another program listens at ", text_,
                       "; stop it (`ss -ltnp` shows it) or choose another address."));
    }
    return ErrnoStatus(errno, absl::StrCat("listen at ", text_));
  }
  return fd;
}

absl::StatusOr<UniqueFd> SocketAddress::StartConnect() const {
  absl::StatusOr<UniqueFd> fd = MakeSocket();
  if (!fd.ok()) return fd;
  const auto* address = reinterpret_cast<const sockaddr*>(&address_);
  int result;
  do {
    result = connect(fd->Get(), address, address_bytes_);
  } while (result != 0 && errno == EINTR);
  // A connect that was interrupted may go on by itself.
  if (result == 0 || errno == EINPROGRESS || errno == EALREADY || errno == EISCONN) return fd;
  if (errno == EAGAIN) return UniqueFd();
  return ErrnoStatus(errno, absl::StrCat("connect to ", text_));
}

absl::Status SocketAddress::ConnectError(int socket) const {
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error == 0) return absl::OkStatus();
  return ErrnoStatus(error, absl::StrCat("connect to ", text_));
}

uint16_t LocalPort(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  // SAFETY: the family tells which address it is.
  if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port);
  if (address.ss_family != AF_INET6) return 0;
  return ntohs(reinterpret_cast<sockaddr_in6&>(address).sin6_port);
}

void SendAtOnce(int socket) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void ResetOnClose(int socket) {
  const linger reset{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

}  // namespace tombolo::control

#include "kvcache/client/owner_address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/un.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "transport/base/errno_status.h"
#include "transport/base/units.h"
#include "transport/base/unix_socket.h"
#include "transport/endpoint/endpoint.h"
#include "transport/layout/service_record.h"

namespace tombolo::kvcache {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";
constexpr std::string_view kRegionPrefix = "region:";

absl::Status NoAddress(const std::string& text) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", text,
                   "' is no address of an owner; write the path of its Unix socket, "
                   "/run/... or unix:PATH, or ADDRESS:PORT or [IPV6]:PORT with an address in "
                   "numbers and a port from 1 to 65535, or region:SERVICE or "
                   "region:SERVICE@BROKER_SOCKET. The path of a Unix socket has at most ",
                   sizeof(sockaddr_un::sun_path) - 1, " bytes, the name of a service ",
                   kServiceNameBytes - 1, "."));
}

// The kernel's limit, with the zero at the end.
bool IsUnixPath(const std::string& path) {
  return !path.empty() && path.size() < sizeof(sockaddr_un::sun_path);
}

// getaddrinfo() takes what is no port, too, modulo 2^16.
bool IsPort(std::string_view text) {
  uint32_t port = 0;
  const bool is_number = text.find_first_not_of("0123456789") == std::string_view::npos &&
                         absl::SimpleAtoi(absl::string_view(text.data(), text.size()), &port);
  return is_number && port > 0 && port <= UINT16_MAX;
}

struct AddressesDeleter {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

}  // namespace

absl::StatusOr<OwnerAddress> OwnerAddress::Parse(const std::string& text) {
  OwnerAddress address;
  address.text_ = text;
  if (text.starts_with('/') || text.starts_with(kUnixPrefix)) {
    address.unix_path_ = text.starts_with('/') ? text : text.substr(kUnixPrefix.size());
    if (!IsUnixPath(address.unix_path_)) return NoAddress(text);
    return address;
  }
  if (text.starts_with(kRegionPrefix)) {
    if (absl::Status status = address.ParseRegion(); !status.ok()) return status;
    return address;
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0 || !IsPort(text.substr(colon + 1))) {
    return NoAddress(text);
  }
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints = {};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), text.c_str() + colon + 1, &hints, &found) != 0) {
    return NoAddress(text);
  }
  const std::unique_ptr<addrinfo, AddressesDeleter> list(found);
  memcpy(&address.address_, found->ai_addr, found->ai_addrlen);
  address.address_bytes_ = found->ai_addrlen;
  return address;
}

absl::Status OwnerAddress::ParseRegion() {
  const std::string place = text_.substr(kRegionPrefix.size());
  const size_t at = place.find('@');
  service_ = place.substr(0, at);
  broker_socket_ = at == std::string::npos ? kDefaultBrokerSocket : place.substr(at + 1);
  const bool is_name = !service_.empty() && service_.size() < kServiceNameBytes;
  return is_name && IsUnixPath(broker_socket_) ? absl::OkStatus() : NoAddress(text_);
}

absl::StatusOr<UniqueFd> OwnerAddress::Connect(int64_t timeout_ns) const {
  return unix_path_.empty() ? ConnectTcp(timeout_ns) : ConnectUnixPath(timeout_ns);
}

// In turn: others may fill the owner's queue all the time.
absl::StatusOr<UniqueFd> OwnerAddress::ConnectUnixPath(int64_t timeout_ns) const {
  absl::StatusOr<UniqueFd> fd = ConnectUnix(unix_path_, SOCK_STREAM, timeout_ns);
  if (absl::IsResourceExhausted(fd.status())) {
    return absl::DeadlineExceededError(fd.status().message());
  }
  return fd;
}

absl::StatusOr<UniqueFd> OwnerAddress::ConnectTcp(int64_t timeout_ns) const {
  const std::string what = absl::StrCat("connect to ", text_);
  UniqueFd fd(socket(address_.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.IsOpen()) return ErrnoStatus(errno, what);
  const int on = 1;
  setsockopt(fd.Get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  // SAFETY: sockaddr_storage is made to be used as any address.
  const auto* generic = reinterpret_cast<const sockaddr*>(&address_);
  if (connect(fd.Get(), generic, address_bytes_) == 0) return fd;
  if (errno != EINPROGRESS && errno != EINTR) return ErrnoStatus(errno, what);
  pollfd waiting{.fd = fd.Get(), .events = POLLOUT, .revents = 0};
  const int ready = poll(&waiting, 1, static_cast<int>(timeout_ns / kNsPerMs));
  if (ready <= 0) return absl::DeadlineExceededError(absl::StrCat(what, ": no answer."));
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(fd.Get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return ErrnoStatus(error, what);
  return fd;
}

}  // namespace tombolo::kvcache

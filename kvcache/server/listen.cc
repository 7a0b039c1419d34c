#include "kvcache/server/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"
#include "transport/base/unix_socket.h"

namespace tombolo::kvcache {
namespace {

using Sockets = std::vector<ListeningSocket>;

struct AddressesDeleter {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, AddressesDeleter>;

absl::StatusOr<Addresses> Resolve(const Interface& interface) {
  addrinfo hints = {};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(interface.host.c_str(), interface.port.c_str(), &hints, &found);
  if (error == 0) return Addresses(found);
  return absl::NotFoundError(absl::StrCat("-l ", interface.host, ": ", gai_strerror(error),
                                          "; give an address of this machine."));
}

// As 127.0.0.1:11211 or [::1]:11211, and the port that the kernel gave.
std::string NameOf(int fd, uint16_t& port) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  // SAFETY: sockaddr_storage is made to be used as any address.
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  std::array<char, NI_MAXHOST> host = {};
  std::array<char, NI_MAXSERV> service = {};
  if (getsockname(fd, generic, &size) != 0 ||
      getnameinfo(generic, size, host.data(), host.size(), service.data(), service.size(),
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "?";
  }
  uint32_t number = 0;
  if (absl::SimpleAtoi(service.data(), &number)) port = static_cast<uint16_t>(number);
  const bool is_v6 = address.ss_family == AF_INET6;
  return absl::StrCat(is_v6 ? "[" : "", host.data(), is_v6 ? "]:" : ":", service.data());
}

absl::Status ListenError(int error, const Interface& interface) {
  if (error == EADDRINUSE) {
    return absl::AlreadyExistsError(absl::StrCat(
        "another program listens at ", interface.host, ":", interface.port,
        " (`ss -ltnp` shows it); stop it, or choose another port with -p or address with -l."));
  }
  return ErrnoStatus(error, absl::StrCat("listen at ", interface.host, ":", interface.port));
}

absl::StatusOr<UniqueFd> ListenAt(const addrinfo& address, const Interface& interface,
                                  int backlog) {
  UniqueFd fd(socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.IsOpen()) return ListenError(errno, interface);
  const int on = 1;
  setsockopt(fd.Get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  // Else [::] would take the port of 0.0.0.0 too.
  if (address.ai_family == AF_INET6) {
    setsockopt(fd.Get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  }
  if (bind(fd.Get(), address.ai_addr, address.ai_addrlen) != 0 || listen(fd.Get(), backlog) != 0) {
    return ListenError(errno, interface);
  }
  return fd;
}

// At all addresses of a name, but those that this machine does not have, as it may lack IPv6.
absl::Status ListenTcp(const Interface& interface, int backlog, Sockets& sockets) {
  const absl::StatusOr<Addresses> addresses = Resolve(interface);
  if (!addresses.ok()) return addresses.status();
  absl::Status failure;
  const size_t before = sockets.size();
  for (const addrinfo* one = addresses->get(); one != nullptr; one = one->ai_next) {
    absl::StatusOr<UniqueFd> fd = ListenAt(*one, interface, backlog);
    if (absl::IsAlreadyExists(fd.status())) return fd.status();
    failure.Update(fd.status());
    if (!fd.ok()) continue;
    ListeningSocket socket{.fd = *std::move(fd), .name = {}};
    socket.name = NameOf(socket.fd.Get(), socket.tcp_port);
    sockets.push_back(std::move(socket));
  }
  return sockets.size() > before ? absl::OkStatus() : failure;
}

}  // namespace

absl::StatusOr<Interface> ParseInterface(const std::string& text, int usual_port) {
  Interface interface { .host = text, .port = absl::StrCat(std::max(usual_port, 0)) };
  const size_t colon = text.rfind(':');
  const bool is_bracketed = text.starts_with('[');
  // One colon ends a host; several are an IPv6 address, which takes a port only in brackets.
  const bool has_port = is_bracketed ? text.find("]:") != std::string::npos
                                     : colon != std::string::npos && text.find(':') == colon;
  if (has_port) {
    interface.host = text.substr(0, colon);
    interface.port = text.substr(colon + 1);
  }
  if (is_bracketed && interface.host.ends_with(']')) {
    interface.host = interface.host.substr(1, interface.host.size() - 2);
  }
  uint32_t port = 0;
  if (absl::SimpleAtoi(interface.port, &port) && port <= UINT16_MAX && !interface.host.empty()) {
    return interface;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("-l ", text,
                   ": no address; write HOST, HOST:PORT, [IPV6] or [IPV6]:PORT, several of them "
                   "with commas between."));
}

absl::StatusOr<ListeningSocket> ListenUnixAt(const std::string& path, unsigned mode, int backlog) {
  absl::StatusOr<UniqueFd> fd = ListenUnix(path, SOCK_STREAM | SOCK_NONBLOCK, mode);
  if (!fd.ok()) return fd.status();
  // Once more, for the backlog that was asked for.
  if (listen(fd->Get(), backlog) != 0) return ErrnoStatus(errno, absl::StrCat("listen at ", path));
  return ListeningSocket{.fd = *std::move(fd), .name = path};
}

absl::StatusOr<std::vector<ListeningSocket>> ListenAll(const ListenOptions& options) {
  Sockets sockets;
  if (options.port != kNoTcp) {
    for (const std::string& text : options.interfaces) {
      const absl::StatusOr<Interface> interface = ParseInterface(text, options.port);
      if (!interface.ok()) return interface.status();
      if (auto status = ListenTcp(*interface, options.backlog, sockets); !status.ok()) {
        return status;
      }
    }
  }
  if (!options.unix_path.empty()) {
    auto socket = ListenUnixAt(options.unix_path, options.unix_mode, options.backlog);
    if (!socket.ok()) return socket.status();
    sockets.push_back(*std::move(socket));
  }
  return sockets;
}

}  // namespace tombolo::kvcache

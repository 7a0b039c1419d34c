#include "kvcache/server/socket_name.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace tombolo::kvcache {
namespace {

using AskKernel = int (*)(int, sockaddr*, socklen_t*);

// `address`: in_addr or in6_addr.
SocketName TcpName(int family, const void* address, in_port_t port) {
  char host[INET6_ADDRSTRLEN] = "";
  inet_ntop(family, address, host, sizeof(host));
  SocketName name{.text = {}, .host = host, .port = ntohs(port), .transport = "tcp"};
  const bool is_six = family == AF_INET6;
  name.text = absl::StrCat(is_six ? "tcp6:[" : "tcp:", host, is_six ? "]:" : ":", name.port);
  return name;
}

SocketName UnixName(const sockaddr_un& address, size_t bytes) {
  constexpr size_t kPathAt = offsetof(sockaddr_un, sun_path);
  const size_t path_bytes = bytes - std::min(bytes, kPathAt);
  const std::string path(address.sun_path, strnlen(address.sun_path, path_bytes));
  // A client's has no name. These are memcached's words for it.
  return {.text = path.empty() ? "?:<AF 0>" : "unix:" + path};
}

SocketName NameOf(int socket, AskKernel ask) {
  sockaddr_storage storage = {};
  socklen_t bytes = sizeof(storage);
  if (ask(socket, reinterpret_cast<sockaddr*>(&storage), &bytes) != 0) bytes = 0;
  if (storage.ss_family == AF_INET) {
    sockaddr_in address;
    memcpy(&address, &storage, sizeof(address));
    return TcpName(AF_INET, &address.sin_addr, address.sin_port);
  }
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 address;
    memcpy(&address, &storage, sizeof(address));
    return TcpName(AF_INET6, &address.sin6_addr, address.sin6_port);
  }
  sockaddr_un address;
  memcpy(&address, &storage, sizeof(address));
  return UnixName(address, std::min<size_t>(bytes, sizeof(address)));
}

}  // namespace

SocketName PeerNameOf(int socket) { return NameOf(socket, &getpeername); }

SocketName LocalNameOf(int socket) { return NameOf(socket, &getsockname); }

}  // namespace tombolo::kvcache

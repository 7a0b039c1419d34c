// RemoteAudience: those who come over TCP with TLS, and the server that they meet, which is made
// anew when its certificates are renewed.
//
// gRPC (1.51) reads certificates when a server starts, or by itself from files, where it takes no
// notice of a key that does not fit and then lets nobody in. So there is a new server for new
// certificates: whoever connects from then on meets that one, and whoever is connected to the
// former one is cut off, as by a restart of tombolod: who was let in by a certificate that is not
// believed any more is not to stay, and a watcher goes on from its last revision.
//
// Thread safety: Adopt() from any thread; the rest in one.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "control/service/audience_server.h"
#include "control/tls/tls_files.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {

class RemoteAudience {
 public:
  using MakeServer = std::function<std::unique_ptr<AudienceServer>()>;

  explicit RemoteAudience(MakeServer make_server) : make_server_(std::move(make_server)) {}
  ~RemoteAudience() { Shutdown(); }
  RemoteAudience(const RemoteAudience&) = delete;
  RemoteAudience& operator=(const RemoteAudience&) = delete;

  // Serves with these certificates. Internal when gRPC does not start: then it serves as before.
  absl::Status Renew(const TlsMaterial& tls);

  // Serves a connection, or closes it when there is no server.
  void Adopt(UniqueFd connection);

  // As AudienceServer's.
  void Shutdown();

 private:
  // Puts `next` in place of the server that there is, which is shut down in a thread of its own:
  // that takes up to a second.
  void Replace(std::unique_ptr<AudienceServer> next);

  const MakeServer make_server_;
  std::mutex mutex_;  // Guards server_.
  std::unique_ptr<AudienceServer> server_;
  std::thread retiring_;
};

}  // namespace tombolo::control

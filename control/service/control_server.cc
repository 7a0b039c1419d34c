#include "control/service/control_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "absl/status/statusor.h"
#include "control/cluster/cluster_info.h"
#include "control/service/acceptor.h"
#include "control/service/ask_cluster.h"
#include "control/service/audience_server.h"
#include "control/service/caller_rights.h"
#include "control/service/live_sockets.h"
#include "control/service/remote_audience.h"
#include "transport/base/unique_fd.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control {
namespace {

constexpr unsigned kSocketMode = 0660;

// Of all audiences of a listener together; each of them has its own limit, which is lower.
constexpr size_t kMaxOfListener = 2 * ControlServer::kMaxConnections;
// No process may have all of the operators'. Guests are all behind the host's agent, and who comes
// over TCP is not known.
constexpr LiveSockets::Limits kOperatorLimits{kMaxOfListener, ControlServer::kMaxConnections / 4};
constexpr LiveSockets::Limits kOtherLimits{kMaxOfListener, kMaxOfListener};

constexpr char kNoAdministrator[] =
    "only administrators may do that: root, the user that tombolod runs as, and members of the "
    "group tombolo-admin.";
constexpr char kGuest[] =
    "a guest may read the membership and nothing else; ask on the host, at control.sock.";
constexpr char kRemote[] =
    "who comes over TCP may read and nothing else; ask on tombolod's host, at control.sock.";

absl::StatusOr<ClusterInfo> RefuseGuests() {
  return absl::PermissionDeniedError(
      "a guest is told nothing of other hosts; ask on the host, at control.sock.");
}

absl::StatusOr<ClusterInfo> KnowNoCluster() {
  return absl::FailedPreconditionError(
      "this tombolod knows no other hosts: it was started without --etcd (docs/cluster.md).");
}

}  // namespace

class ControlServer::Impl {
 public:
  Impl(MembershipView& view, AdminActions& actions, const Administrators& administrators,
       const AskCluster& ask)
      : actions_(actions),
        administrators_(administrators),
        admins_(view, CallerRights::OfAdministrators(actions), ask, kMaxConnections),
        operators_(view, CallerRights::OfReaders(kNoAdministrator), ask, kMaxConnections),
        guests_(view, CallerRights::OfReaders(kGuest), RefuseGuests, kMaxConnections),
        remote_([&view, ask] {
          return std::make_unique<AudienceServer>(view, CallerRights::OfReaders(kRemote), ask,
                                                  kMaxConnections);
        }) {}

  ~Impl() { Shutdown(); }

  absl::Status Start(const std::vector<ControlSocket>& sockets) {
    absl::StatusOr<std::vector<Acceptor::Listener>> listeners = Listen(sockets);
    if (!listeners.ok()) return listeners.status();
    for (AudienceServer* server : {&admins_, &operators_, &guests_}) {
      if (absl::Status started = server->Start(); !started.ok()) return started;
    }
    absl::StatusOr<std::unique_ptr<Acceptor>> acceptor = Acceptor::Start(*std::move(listeners));
    if (!acceptor.ok()) return acceptor.status();
    acceptor_ = *std::move(acceptor);
    return absl::OkStatus();
  }

  absl::Status ServeTls(const SocketAddress& address, const TlsMaterial& tls) {
    absl::StatusOr<UniqueFd> fd = address.Listen(kSocketMode);
    if (!fd.ok()) return fd.status();
    if (absl::Status started = remote_.Renew(tls); !started.ok()) return started;
    std::vector<Acceptor::Listener> listeners;
    listeners.push_back({*std::move(fd), kOtherLimits, [this](int connection) {
                           SendAtOnce(connection);
                           remote_.Adopt(UniqueFd(connection));
                         }});
    absl::StatusOr<std::unique_ptr<Acceptor>> acceptor = Acceptor::Start(std::move(listeners));
    if (!acceptor.ok()) return acceptor.status();
    tls_acceptor_ = *std::move(acceptor);
    return absl::OkStatus();
  }

  absl::Status RenewTls(const TlsMaterial& tls) { return remote_.Renew(tls); }

  void Shutdown() {
    acceptor_.reset();
    tls_acceptor_.reset();
    for (const std::string& path : std::exchange(bound_paths_, {})) unlink(path.c_str());
    actions_.Stop();
    for (AudienceServer* server : {&admins_, &operators_, &guests_}) server->Shutdown();
    remote_.Shutdown();
  }

 private:
  absl::StatusOr<std::vector<Acceptor::Listener>> Listen(
      const std::vector<ControlSocket>& sockets) {
    std::vector<Acceptor::Listener> listeners;
    for (const ControlSocket& socket : sockets) {
      absl::StatusOr<UniqueFd> fd =
          ListenUnix(socket.path, SOCK_STREAM | SOCK_NONBLOCK, kSocketMode);
      if (!fd.ok()) return fd.status();
      bound_paths_.push_back(socket.path);
      const bool is_for_guests = socket.audience == Audience::kGuests;
      listeners.push_back({*std::move(fd), is_for_guests ? kOtherLimits : kOperatorLimits,
                           [this, audience = socket.audience](int connection) {
                             ServerFor(audience, connection).Adopt(UniqueFd(connection));
                           }});
    }
    return listeners;
  }

  AudienceServer& ServerFor(Audience audience, int connection) {
    if (audience == Audience::kGuests) return guests_;
    return administrators_.Include(connection) ? admins_ : operators_;
  }

  AdminActions& actions_;
  const Administrators administrators_;
  std::vector<std::string> bound_paths_;  // Those whose socket files are ours to remove.
  AudienceServer admins_;
  AudienceServer operators_;
  AudienceServer guests_;
  RemoteAudience remote_;                   // Serves only where there is TLS.
  std::unique_ptr<Acceptor> acceptor_;      // Gives connections to the first three.
  std::unique_ptr<Acceptor> tls_acceptor_;  // To the last.
};

absl::StatusOr<std::unique_ptr<ControlServer>> ControlServer::Start(
    MembershipView& view, AdminActions& actions, const ControlServerOptions& options) {
  auto impl = std::make_unique<Impl>(view, actions, options.administrators,
                                     options.ask_cluster ? options.ask_cluster : KnowNoCluster);
  if (absl::Status started = impl->Start(options.sockets); !started.ok()) return started;
  return std::unique_ptr<ControlServer>(new ControlServer(std::move(impl)));
}

absl::Status ControlServer::ServeTls(const SocketAddress& address, const TlsMaterial& tls) {
  return impl_->ServeTls(address, tls);
}

absl::Status ControlServer::RenewTls(const TlsMaterial& tls) { return impl_->RenewTls(tls); }

ControlServer::ControlServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ControlServer::~ControlServer() = default;

void ControlServer::Shutdown() { impl_->Shutdown(); }

}  // namespace tombolo::control

#include "control/broker/broker_server.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "control/broker/kept_name.h"
#include "spdlog/spdlog.h"
#include "transport/base/clock.h"
#include "transport/base/errno_status.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control {
namespace {

constexpr int64_t kAcceptRestNs = 100 * kNsPerMs;

bool IsTransient(int error) {
  return error == EAGAIN || error == EINTR || error == ECONNABORTED || error == EPROTO;
}

}  // namespace

absl::StatusOr<std::unique_ptr<BrokerServer>> BrokerServer::Start(EventLoop& loop,
                                                                  DescriptorStore& store,
                                                                  BrokerBackend& backend,
                                                                  NamedDescriptors& inherited,
                                                                  const BrokerOptions& options) {
  std::unique_ptr<BrokerServer> server(new BrokerServer(loop, store, backend, options));
  if (absl::Status status = server->Listen(inherited); !status.ok()) return status;
  server->AdoptClients(inherited);
  return server;
}

BrokerServer::BrokerServer(EventLoop& loop, DescriptorStore& store, BrokerBackend& backend,
                           const BrokerOptions& options)
    : options_(options),
      context_{.loop = &loop,
               .store = &store,
               .backend = &backend,
               .handshake_deadline_ns = options.handshake_deadline_ns} {}

absl::Status BrokerServer::Listen(NamedDescriptors& inherited) {
  listener_ = TakeOut(inherited, kListenerName);
  if (!listener_.IsOpen()) {
    absl::StatusOr<UniqueFd> listener =
        ListenUnix(options_.socket_path, SOCK_SEQPACKET | SOCK_NONBLOCK, options_.socket_mode);
    if (!listener.ok()) return listener.status();
    listener_ = *std::move(listener);
    if (auto status = context_.store->Store(kListenerName, listener_.Get()); !status.ok()) {
      return status;
    }
  }
  return WatchListener();
}

void BrokerServer::AdoptClients(NamedDescriptors& inherited) {
  std::vector<std::pair<ServedEndpoint, UniqueFd>> sockets;
  for (auto& [name, fd] : inherited) {
    const std::optional<ServedEndpoint> endpoint = ParseKeptSocketName(name);
    if (endpoint) sockets.emplace_back(*endpoint, std::move(fd));
  }
  for (auto& [endpoint, socket] : sockets) {
    inherited.erase(KeptSocketName(endpoint));
    // The pidfd was stored first.
    UniqueFd pidfd = TakeOut(inherited, KeptPidfdName(endpoint));
    Add(BrokerSession::Adopt(context_, endpoint, std::move(socket), std::move(pidfd),
                             RemoveWhenOver()));
  }
  DropLeftovers(inherited);
}

// A former broker may have died in the middle of forgetting a client.
void BrokerServer::DropLeftovers(NamedDescriptors& inherited) {
  for (const auto& [name, fd] : inherited) {
    if (IsKeptPidfdName(name)) context_.store->Remove(name).IgnoreError();
  }
}

std::vector<ServedEndpoint> BrokerServer::Endpoints() const {
  std::vector<ServedEndpoint> endpoints;
  for (const auto& [raw, session] : sessions_) {
    if (session->IsAttached()) endpoints.push_back(session->Endpoint());
  }
  return endpoints;
}

absl::StatusOr<pid_t> BrokerServer::Kill(tombolo::EndpointId id) const {
  for (const auto& [raw, session] : sessions_) {
    if (!session->IsAttached() || session->Endpoint().id != id) continue;
    if (absl::Status killed = session->KillClient(); !killed.ok()) return killed;
    return session->Endpoint().pid;
  }
  return absl::NotFoundError(absl::StrCat("no process that is attached here is endpoint ", id.index,
                                          " of incarnation ", id.incarnation, "."));
}

void BrokerServer::RemoveSocketFile() { unlink(options_.socket_path.c_str()); }

absl::Status BrokerServer::WatchListener() {
  auto watch = context_.loop->WatchReadable(listener_.Get(), [this] { AcceptOne(); });
  if (!watch.ok()) return watch.status();
  listener_watch_ = *std::move(watch);
  return absl::OkStatus();
}

void BrokerServer::AcceptOne() {
  UniqueFd socket(accept4(listener_.Get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket.IsOpen()) {
    if (!IsTransient(errno)) RestFromAccepting(errno);
    return;
  }
  const absl::StatusOr<ucred> peer = PeerCredentials(socket.Get());
  if (!peer.ok()) return TurnAway(peer.status());
  if (absl::Status may = MayBecomeClient(peer->pid); !may.ok()) return TurnAway(may);
  Add(BrokerSession::Accept(context_, std::move(socket), peer->pid, RemoveWhenOver()));
}

absl::Status BrokerServer::MayBecomeClient(pid_t process) const {
  if (sessions_.size() >= options_.max_clients) {
    return absl::ResourceExhaustedError(
        absl::StrCat(sessions_.size(), " are connected, and no more are allowed."));
  }
  const auto unattached = std::ranges::count_if(
      sessions_, [process](const auto& entry) { return entry.second->IsUnattachedOf(process); });
  if (static_cast<size_t>(unattached) < options_.max_unattached_of_process) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      "process ", process, " has ", unattached, " connections here by which it has not attached."));
}

void BrokerServer::TurnAway(const absl::Status& reason) {
  if (!turned_away_.MayLog(MonotonicNs())) return;
  spdlog::warn("{}: a client was turned away, and may not be the last one: {}",
               options_.socket_path, std::string(reason.message()));
}

// Without descriptors nothing can be accepted, but the listener stays readable: look again later
// instead of spinning.
void BrokerServer::RestFromAccepting(int error) {
  spdlog::warn(
      "{}: nobody can connect for a moment: {}. If it is the limit of open files, raise it.",
      options_.socket_path, strerror(error));
  listener_watch_.Reset();
  rest_ = context_.loop->After(kAcceptRestNs, [this] {
    if (!WatchListener().ok()) RestFromAccepting(ENOMEM);
  });
}

void BrokerServer::Add(std::shared_ptr<BrokerSession> session) {
  if (session == nullptr) {
    spdlog::warn("{}: a client cannot be watched and is dropped.", options_.socket_path);
    return;
  }
  sessions_.emplace(session.get(), session);
}

BrokerSession::OverCallback BrokerServer::RemoveWhenOver() {
  return [this](BrokerSession& session) { sessions_.erase(&session); };
}

}  // namespace tombolo::control

#include "control/service/control_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_posix.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <mutex>
#include <utility>

#include "control/proto/membership.grpc.pb.h"
#include "control/service/acceptor.h"
#include "control/service/membership_service.h"
#include "transport/base/unique_fd.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control {
namespace {

constexpr unsigned kSocketMode = 0660;

// Requests are a few bytes; more is abuse.
constexpr int kMaxRequestBytes = 64 * 1024;
constexpr int kMaxCallsPerConnection = 128;
constexpr int kKeepaliveMs = 20'000;
constexpr size_t kMaxWatchers = 128;
constexpr size_t kMaxMemoryBytes = size_t{64} << 20;
// Only reflection takes threads; everything else is answered by reactors.
constexpr int kMaxThreads = 8;

constexpr std::chrono::seconds kShutdownGrace(1);

void EnableStandardServices() {
  static std::once_flag once;
  std::call_once(once, [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  });
}

// The server of one audience.
class AudienceServer {
 public:
  AudienceServer(MembershipView& view, std::vector<std::string> paths)
      : paths_(std::move(paths)), service_(view, kMaxWatchers) {}

  absl::Status Start() {
    absl::StatusOr<std::vector<Acceptor::Listener>> listeners = Listen();
    if (!listeners.ok()) return listeners.status();
    grpc::ServerBuilder builder;
    Configure(builder);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr) {
      return absl::InternalError("gRPC does not start; its own words are above.");
    }
    // Without a name the whole server is meant, which is SERVING from the start.
    server_->GetHealthCheckService()->SetServingStatus(v1::Membership::service_full_name(), true);
    absl::StatusOr<std::unique_ptr<Acceptor>> acceptor = Acceptor::Start(*std::move(listeners));
    if (!acceptor.ok()) return acceptor.status();
    acceptor_ = *std::move(acceptor);
    return absl::OkStatus();
  }

  ~AudienceServer() { Shutdown(); }

  void Shutdown() {
    acceptor_.reset();
    for (const std::string& path : std::exchange(bound_paths_, {})) unlink(path.c_str());
    if (server_ == nullptr) return;
    service_.Stop();
    server_->Shutdown(std::chrono::system_clock::now() + kShutdownGrace);
    server_->Wait();
    server_.reset();
  }

 private:
  absl::StatusOr<std::vector<Acceptor::Listener>> Listen() {
    std::vector<Acceptor::Listener> listeners;
    for (const std::string& path : paths_) {
      absl::StatusOr<UniqueFd> fd = ListenUnix(path, SOCK_STREAM | SOCK_NONBLOCK, kSocketMode);
      if (!fd.ok()) return fd.status();
      bound_paths_.push_back(path);
      listeners.push_back(
          {*std::move(fd), ControlServer::kMaxConnections / paths_.size(),
           [this](int connection) { grpc::AddInsecureChannelFromFd(server_.get(), connection); }});
    }
    return listeners;
  }

  void Configure(grpc::ServerBuilder& builder) {
    grpc::ResourceQuota quota;
    quota.Resize(kMaxMemoryBytes).SetMaxThreads(kMaxThreads);
    builder.SetResourceQuota(quota);
    builder.SetMaxReceiveMessageSize(kMaxRequestBytes);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxCallsPerConnection);
    // Whoever connects and neither speaks nor answers is dropped, or it would keep its place.
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveMs);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    builder.RegisterService(&service_);
  }

  const std::vector<std::string> paths_;
  std::vector<std::string> bound_paths_;  // Those whose socket files are ours to remove.
  MembershipService service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Acceptor> acceptor_;  // Gives connections to server_.
};

}  // namespace

class ControlServer::Impl {
 public:
  absl::Status Start(MembershipView& view, const std::vector<ControlSocket>& sockets) {
    EnableStandardServices();
    for (const Audience audience : {Audience::kOperators, Audience::kGuests}) {
      std::vector<std::string> paths;
      for (const ControlSocket& socket : sockets) {
        if (socket.audience == audience) paths.push_back(socket.path);
      }
      if (paths.empty()) continue;
      servers_.push_back(std::make_unique<AudienceServer>(view, std::move(paths)));
      if (absl::Status started = servers_.back()->Start(); !started.ok()) return started;
    }
    return absl::OkStatus();
  }

  void Shutdown() {
    for (const std::unique_ptr<AudienceServer>& server : servers_) server->Shutdown();
    servers_.clear();
  }

 private:
  std::vector<std::unique_ptr<AudienceServer>> servers_;
};

absl::StatusOr<std::unique_ptr<ControlServer>> ControlServer::Start(
    MembershipView& view, const std::vector<ControlSocket>& sockets) {
  auto impl = std::make_unique<Impl>();
  if (absl::Status started = impl->Start(view, sockets); !started.ok()) return started;
  return std::unique_ptr<ControlServer>(new ControlServer(std::move(impl)));
}

ControlServer::ControlServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ControlServer::~ControlServer() = default;

void ControlServer::Shutdown() { impl_->Shutdown(); }

}  // namespace tombolo::control

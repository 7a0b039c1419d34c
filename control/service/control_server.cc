#include "control/service/control_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <chrono>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "control/proto/membership.grpc.pb.h"
#include "control/service/membership_service.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control {
namespace {

constexpr unsigned kSocketMode = 0660;
constexpr mode_t kSocketUmask = 0777 & ~kSocketMode;

// Requests are a few bytes; more is abuse.
constexpr int kMaxRequestBytes = 64 * 1024;
constexpr int kMaxCallsPerConnection = 128;
constexpr size_t kMaxWatchers = 256;
constexpr size_t kMaxMemoryBytes = size_t{64} << 20;
// Only reflection takes threads; everything else is answered by reactors.
constexpr int kMaxThreads = 8;

constexpr std::chrono::seconds kShutdownGrace(1);

// Until it is destroyed, files that this process makes get kSocketMode at most: gRPC offers no way
// to say the mode, and a chmod after the bind would leave a moment in which strangers can connect.
class SocketUmask {
 public:
  SocketUmask() : old_(umask(kSocketUmask)) {}
  ~SocketUmask() { umask(old_); }
  SocketUmask(const SocketUmask&) = delete;
  SocketUmask& operator=(const SocketUmask&) = delete;

 private:
  const mode_t old_;
};

// Whether gRPC may take `path`. gRPC unlinks whatever is there before it binds, also the socket of
// a living server; our own listener refuses that. It is closed at once and leaves a stale socket.
absl::Status ClaimPath(const std::string& path) {
  return ListenUnix(path, SOCK_STREAM, kSocketMode).status();
}

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
    for (const std::string& path : paths_) {
      if (absl::Status claimed = ClaimPath(path); !claimed.ok()) return claimed;
    }
    grpc::ServerBuilder builder;
    Configure(builder);
    const SocketUmask only_owner_and_group;
    server_ = builder.BuildAndStart();
    if (server_ == nullptr) {
      return absl::InternalError(absl::StrCat(
          "gRPC does not listen at ", absl::StrJoin(paths_, ", "), "; its own words are above."));
    }
    // Without a name the whole server is meant, which is SERVING from the start.
    server_->GetHealthCheckService()->SetServingStatus(v1::Membership::service_full_name(), true);
    return absl::OkStatus();
  }

  void Shutdown() {
    if (server_ == nullptr) return;
    service_.Stop();
    server_->Shutdown(std::chrono::system_clock::now() + kShutdownGrace);
    server_->Wait();
    server_.reset();
  }

 private:
  void Configure(grpc::ServerBuilder& builder) {
    for (const std::string& path : paths_) {
      builder.AddListeningPort("unix:" + path, grpc::InsecureServerCredentials());
    }
    grpc::ResourceQuota quota;
    quota.Resize(kMaxMemoryBytes).SetMaxThreads(kMaxThreads);
    builder.SetResourceQuota(quota);
    builder.SetMaxReceiveMessageSize(kMaxRequestBytes);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxCallsPerConnection);
    builder.RegisterService(&service_);
  }

  const std::vector<std::string> paths_;
  MembershipService service_;
  std::unique_ptr<grpc::Server> server_;  // Destroyed, and shut down, before the service.
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

  ~Impl() { Shutdown(); }

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

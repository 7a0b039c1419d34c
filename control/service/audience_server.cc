#include "control/service/audience_server.h"

#include <grpcpp/ext/channelz_service_plugin.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/server_builder_option.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_posix.h>

#include <chrono>
#include <mutex>
#include <utility>
#include <vector>

#include "control/proto/admin.grpc.pb.h"
#include "control/proto/cluster.grpc.pb.h"
#include "control/proto/membership.grpc.pb.h"
#include "control/proto/regions.grpc.pb.h"
#include "control/proto/services.grpc.pb.h"

namespace tombolo::control {
namespace {

// Requests are a few bytes; more is abuse.
constexpr int kMaxRequestBytes = 64 * 1024;
constexpr int kMaxCallsPerConnection = 128;
constexpr int kKeepaliveMs = 20'000;
constexpr int kTlsHandshakeMs = 5'000;
constexpr size_t kMaxWatchers = 128;
constexpr size_t kMaxMemoryBytes = size_t{64} << 20;
// Only reflection and channelz take threads; everything else is answered by reactors.
constexpr int kMaxThreads = 8;

constexpr std::chrono::seconds kShutdownGrace(1);

constexpr char kChannelzPlugin[] = "channelz_service";

// Both are switched on for the whole process.
void EnableStandardServices() {
  static std::once_flag once;
  std::call_once(once, [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::channelz::experimental::InitChannelzService();
  });
}

// Channelz shows each server the connections of all, so only administrators' server keeps it.
class WithoutChannelz final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    std::erase_if(*plugins, [](const std::unique_ptr<grpc::ServerBuilderPlugin>& plugin) {
      return plugin->name() == kChannelzPlugin;
    });
  }
};

}  // namespace

AudienceServer::AudienceServer(MembershipView& view, const CallerRights& rights,
                               AskCluster ask_cluster, size_t max_connections)
    : rights_(rights),
      max_connections_(max_connections),
      hub_(view, kMaxWatchers),
      membership_(view, rights, hub_),
      services_(view, hub_),
      admin_(rights),
      regions_(rights),
      cluster_(std::move(ask_cluster)) {
  EnableStandardServices();
}

absl::Status AudienceServer::Start() {
  grpc::ServerBuilder builder;
  Configure(builder);
  return Build(builder);
}

absl::Status AudienceServer::StartTls(const TlsMaterial& tls) {
  grpc::SslServerCredentialsOptions options(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = tls.ca;
  options.pem_key_cert_pairs.push_back({tls.key, tls.certificate});
  grpc::ServerBuilder builder;
  Configure(builder);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kTlsHandshakeMs);
  tls_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      grpc::SslServerCredentials(options));
  return Build(builder);
}

absl::Status AudienceServer::Build(grpc::ServerBuilder& builder) {
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) {
    return absl::InternalError("gRPC does not start; its own words are above.");
  }
  // Without a name the whole server is meant, which is SERVING from the start.
  for (const char* service : {v1::Membership::service_full_name(),
                              v1::Services::service_full_name(), v1::Admin::service_full_name(),
                              v1::Regions::service_full_name(), v1::Cluster::service_full_name()}) {
    server_->GetHealthCheckService()->SetServingStatus(service, true);
  }
  return absl::OkStatus();
}

void AudienceServer::Configure(grpc::ServerBuilder& builder) {
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
  if (!rights_.MayAdminister()) builder.SetOption(std::make_unique<WithoutChannelz>());
  builder.RegisterService(&membership_);
  builder.RegisterService(&services_);
  builder.RegisterService(&admin_);
  builder.RegisterService(&regions_);
  builder.RegisterService(&cluster_);
}

void AudienceServer::Adopt(UniqueFd connection) {
  if (connections_.Count() >= max_connections_) return;
  connections_.Add(connection.Get());
  if (tls_ == nullptr) {
    return grpc::AddInsecureChannelFromFd(server_.get(), connection.Release());
  }
  grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters made;
  made.fd = connection.Release();
  tls_->HandleNewConnection(&made);
}

void AudienceServer::Shutdown() {
  if (server_ == nullptr) return;
  hub_.Stop();
  server_->Shutdown(std::chrono::system_clock::now() + kShutdownGrace);
  server_->Wait();
  server_.reset();
}

}  // namespace tombolo::control

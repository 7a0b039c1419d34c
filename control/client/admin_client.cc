#include "control/client/admin_client.h"

#include <grpcpp/grpcpp.h>

#include <utility>

#include "control/client/service_stub.h"
#include "control/proto/admin.grpc.pb.h"
#include "control/proto/convert_admin.h"

namespace tombolo::control {

class AdminClient::Impl : public ServiceStub<v1::Admin> {
 public:
  using ServiceStub::ServiceStub;
};

AdminClient::AdminClient(std::string socket_path, std::chrono::milliseconds timeout)
    : impl_(std::make_unique<Impl>(std::move(socket_path), timeout)) {}

AdminClient::~AdminClient() = default;

absl::StatusOr<AdminClient::LogLevels> AdminClient::SetLogLevel(std::optional<LogLevel> level) {
  v1::SetLogLevelRequest request;
  if (level) request.set_level(ToLogLevel(*level));
  const auto response = impl_->Ask(&v1::Admin::Stub::SetLogLevel, request);
  if (!response.ok()) return response.status();
  return LogLevels{.now = FromLogLevel(response->level()).value_or(LogLevel::kInfo),
                   .before = FromLogLevel(response->former_level()).value_or(LogLevel::kInfo)};
}

absl::StatusOr<Remaining> AdminClient::Drain() {
  const auto response = impl_->Ask(&v1::Admin::Stub::Drain, v1::DrainRequest());
  if (!response.ok()) return response.status();
  return FromRemaining(response->remaining());
}

absl::Status AdminClient::Undrain() {
  return impl_->Ask(&v1::Admin::Stub::Undrain, v1::UndrainRequest()).status();
}

absl::StatusOr<FsckSummary> AdminClient::Fsck() {
  const auto response = impl_->Ask(&v1::Admin::Stub::Fsck, v1::FsckRequest());
  if (!response.ok()) return response.status();
  return FromFsckResponse(*response);
}

absl::StatusOr<DaemonStatistics> AdminClient::GetStatistics() {
  const auto response = impl_->Ask(&v1::Admin::Stub::GetStatistics, v1::GetStatisticsRequest());
  if (!response.ok()) return response.status();
  return FromStatisticsResponse(*response);
}

}  // namespace tombolo::control

#include "control/service/remote_audience.h"

namespace tombolo::control {

absl::Status RemoteAudience::Renew(const TlsMaterial& tls) {
  std::unique_ptr<AudienceServer> next = make_server_();
  if (absl::Status started = next->StartTls(tls); !started.ok()) return started;
  Replace(std::move(next));
  return absl::OkStatus();
}

void RemoteAudience::Adopt(UniqueFd connection) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (server_ != nullptr) server_->Adopt(std::move(connection));
}

void RemoteAudience::Shutdown() {
  Replace(nullptr);
  if (retiring_.joinable()) retiring_.join();
}

void RemoteAudience::Replace(std::unique_ptr<AudienceServer> next) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::swap(server_, next);
  }
  if (next == nullptr) return;
  if (retiring_.joinable()) retiring_.join();
  retiring_ = std::thread([former = std::move(next)] { former->Shutdown(); });
}

}  // namespace tombolo::control

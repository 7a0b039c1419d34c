// What a Daemon does only if it is asked to: a place in a cluster, a status page, TLS.
//
// At the first start what cannot be had is an error. Of a successor those whom its predecessor has
// served are worth more: it says what is missing, and goes on without.
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "control/cluster/own_host.h"
#include "control/daemon/daemon.h"
#include "control/tls/tls_files.h"
#include "control/tunnel/socket_address.h"
#include "spdlog/spdlog.h"
#include "transport/base/clock.h"

namespace tombolo::control {

absl::Status Daemon::BeginCluster(const ClusterOptions& options, bool is_first) {
  const absl::Status joined = JoinCluster(options);
  if (joined.ok() || is_first) return joined;
  spdlog::error("this host is in no cluster until the next start: {}",
                std::string(joined.message()));
  return absl::OkStatus();
}

// Begins to, whether etcd answers or not.
absl::Status Daemon::JoinCluster(ClusterOptions options) {
  if (options.endpoints.empty()) return absl::OkStatus();
  if (options.host.empty()) {
    absl::StatusOr<std::string> name = HostNameOfKernel();
    if (!name.ok()) return name.status();
    options.host = *std::move(name);
  }
  std::optional<TlsMaterial> tls;
  if (!options.tls.certificate.empty()) {
    absl::StatusOr<TlsMaterial> read = ReadTlsFiles(options.tls);
    if (!read.ok()) return read.status();
    tls = *std::move(read);
  }
  cluster_tls_files_ = options.tls;
  cluster_view_ = std::make_unique<ClusterView>(
      options.prefix, [options, this] { return OwnHost(options, view_); });
  cluster_link_ = std::make_unique<ClusterLink>(options, std::move(tls), view_, *cluster_view_);
  return absl::OkStatus();
}

AskCluster Daemon::MakeAskCluster() const {
  if (cluster_view_ == nullptr) return nullptr;
  return [view = cluster_view_.get()] { return view->Info(MonotonicNs()); };
}

absl::Status Daemon::BeginStatus(const std::string& address, bool is_first) {
  const absl::Status served = ServeStatus(address);
  if (served.ok() || is_first) return served;
  spdlog::error("there is no status page until the next start: {}", std::string(served.message()));
  return absl::OkStatus();
}

absl::Status Daemon::BeginTls(const DaemonOptions& options, bool is_first) {
  tls_address_ = options.listen_tls;
  tls_files_ = options.tls;
  const absl::Status served = ServeTls();
  if (served.ok() || is_first) return served;
  spdlog::error("nobody is served over TCP until the next start or SIGHUP: {}",
                std::string(served.message()));
  return absl::OkStatus();
}

absl::Status Daemon::ServeTls() {
  const absl::StatusOr<SocketAddress> address = SocketAddress::Parse(tls_address_);
  if (!address.ok()) return address.status();
  const absl::StatusOr<TlsMaterial> tls = ReadTlsFiles(tls_files_);
  if (!tls.ok()) return tls.status();
  if (absl::Status status = control_server_->ServeTls(*address, *tls); !status.ok()) return status;
  serves_tls_ = true;
  spdlog::info("the control API is served at {} too, with TLS", tls_address_);
  return absl::OkStatus();
}

absl::Status Daemon::TakeOtherTls() {
  const absl::StatusOr<TlsMaterial> tls = ReadTlsFiles(tls_files_);
  return tls.ok() ? control_server_->RenewTls(*tls) : tls.status();
}

void Daemon::RenewTls() {
  const bool is_in_cluster = cluster_link_ != nullptr && !cluster_tls_files_.certificate.empty();
  if (tls_address_.empty() && !is_in_cluster) {
    spdlog::info(
        "SIGHUP: there are no certificates to be read, because there is no --listen-tls and no "
        "--etcd-tls-cert");
  }
  if (!tls_address_.empty()) RenewServingTls();
  if (is_in_cluster) RenewClusterTls();
}

void Daemon::RenewServingTls() {
  const absl::Status renewed = serves_tls_ ? TakeOtherTls() : ServeTls();
  if (!renewed.ok()) {
    spdlog::error("SIGHUP: the certificates are not taken, and all is as before: {}",
                  std::string(renewed.message()));
  } else {
    spdlog::info("SIGHUP: certificates are read; who comes to {} from now on meets these",
                 tls_address_);
  }
}

void Daemon::RenewClusterTls() {
  absl::StatusOr<TlsMaterial> tls = ReadTlsFiles(cluster_tls_files_);
  if (!tls.ok()) {
    spdlog::error("SIGHUP: the certificates for etcd are not taken, and all is as before: {}",
                  std::string(tls.status().message()));
    return;
  }
  cluster_link_->RenewTls(*std::move(tls));
  spdlog::info("SIGHUP: certificates for etcd are read; the next connection is made with these");
}

// Not ready before the first turn of the loop.
absl::Status Daemon::ServeStatus(const std::string& address) {
  if (auto status = monitor_.Serve(address); !status.ok()) return status;
  loop_.Post([this] { Beat(); });
  heartbeat_timer_ = loop_.Every(Monitor::kBeatNs, [this] { Beat(); });
  spdlog::info("status: {}", monitor_.Url());
  return absl::OkStatus();
}

void Daemon::Beat() {
  monitor_.Beat(static_cast<uint32_t>(registry_.DyingEndpoints().size()),
                static_cast<uint32_t>(registry_.Services().size()));
}

}  // namespace tombolo::control

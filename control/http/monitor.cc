#include "control/http/monitor.h"

#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "control/daemon/unix_time.h"
#include "control/http/metric_families.h"
#include "control/http/metrics_text.h"
#include "control/http/page_files.h"
#include "control/http/process_stats.h"
#include "control/http/status_json.h"
#include "control/tunnel/socket_address.h"
#include "spdlog/spdlog.h"
#include "transport/base/clock.h"

namespace tombolo::control {
namespace {

HttpResponse Healthz(Health health) {
  if (health != Health::kStuck) return {.body = "ok\n"};
  return HttpError(kHttpUnavailable, "the event loop has not turned for more than 5 s.");
}

HttpResponse Readyz(Health health) {
  if (health == Health::kStarting) return HttpError(kHttpUnavailable, "starting; ask again.");
  return Healthz(health);
}

}  // namespace

Monitor::Monitor(const Region& region, const MembershipView& view)
    : view_(view), started_unix_ns_(NowUnixNs()), ledger_(region, view.Snapshot()) {}

void Monitor::Beat(uint32_t dead_endpoints, uint32_t services) {
  heartbeat_.Set({.at_ns = MonotonicNs(), .dead_endpoints = dead_endpoints, .services = services});
}

absl::Status Monitor::Serve(const std::string& address) {
  const absl::StatusOr<SocketAddress> parsed = SocketAddress::Parse(address);
  if (!parsed.ok()) return parsed.status();
  auto server = HttpServer::Start(*parsed, [this](std::string_view path) { return Answer(path); });
  if (!server.ok()) return server.status();
  server_ = *std::move(server);
  if (!parsed->IsUnix() && !parsed->IsLoopback()) {
    spdlog::warn(
        "{} is no loopback address: whoever can reach it may read the status, without a "
        "password and without encryption.",
        address);
  }
  return absl::OkStatus();
}

HttpResponse Monitor::Answer(std::string_view path) {
  if (path == "/healthz") return Healthz(HealthOf(heartbeat_.Last(), MonotonicNs()));
  if (path == "/readyz") return Readyz(HealthOf(heartbeat_.Last(), MonotonicNs()));
  if (path == "/metrics") {
    return {.content_type = kMetricsContentType, .body = MetricsText(Status())};
  }
  if (path == "/api/v1/status.json") {
    return {.content_type = "application/json", .body = StatusJson(Status())};
  }
  if (path == "/") return {.content_type = "text/html; charset=utf-8", .body = kStatusHtml};
  if (path == "/status.css") {
    return {.content_type = "text/css; charset=utf-8", .body = kStatusCss};
  }
  if (path == "/status.js") {
    return {.content_type = "text/javascript; charset=utf-8", .body = kStatusJs};
  }
  return HttpError(kHttpNotFound,
                   "there are /, /metrics, /healthz, /readyz and /api/v1/status.json.");
}

const DaemonStatus& Monitor::Status() {
  const bool is_fresh = status_.now_ns != 0 && MonotonicNs() - status_.now_ns < kFreshNs;
  if (!is_fresh) status_ = Look();
  return status_;
}

DaemonStatus Monitor::Look() const {
  return {.now_unix_ns = NowUnixNs(),
          .started_unix_ns = started_unix_ns_,
          .now_ns = MonotonicNs(),
          .beat = heartbeat_.Last(),
          .region = view_.Region(),
          .regions =
              further_regions_ == nullptr ? std::vector<RegionSummary>() : further_regions_->Read(),
          .membership = view_.Snapshot(),
          .totals = ledger_.Read(),
          .process = ReadProcessStats()};
}

}  // namespace tombolo::control

// Monitor: the daemon as Prometheus, probes, scripts and people see it over HTTP.
//
//   /                    a page for people, which refreshes itself
//   /metrics             for Prometheus (metrics_text.h)
//   /healthz             200 while the event loop turns, else 503
//   /readyz              200 when machines and processes are served, else 503
//   /api/v1/status.json  all that the page shows (status_json.h)
//
// The event loop tells; the server's thread takes a snapshot, at most every kFreshNs however often
// it is asked, and makes the pages from that. The loop never waits for a client, and for the
// server's thread only as long as that copies a snapshot (some 100 us).
//
// Thread safety: everything from the daemon's loop.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "control/http/daemon_status.h"
#include "control/http/heartbeat.h"
#include "control/http/http_response.h"
#include "control/http/http_server.h"
#include "control/http/ledger.h"
#include "control/http/region_board.h"
#include "control/registry/membership.h"
#include "control/service/membership_view.h"
#include "transport/base/units.h"
#include "transport/region/region.h"

namespace tombolo::control {

class Monitor {
 public:
  static constexpr int64_t kFreshNs = 200 * kNsPerMs;
  static constexpr int64_t kBeatNs = Heartbeat::kPeriodNs;

  // Of the members that `view` has now, and of all changes from then on. `view` and the region's
  // memory must outlive it.
  Monitor(const Region& region, const MembershipView& view);

  // The registry's next event.
  void OnEvent(const MembershipEvent& event) { ledger_.OnEvent(event); }

  // Tells of those regions too. To be called before Serve(); the board must outlive the monitor.
  void ShowRegions(const RegionBoard* board) { further_regions_ = board; }

  // To be called every kBeatNs.
  void Beat(uint32_t dead_endpoints, uint32_t services);

  // Answers at `address` when it returns. Errors: InvalidArgument when that is none; those of
  // HttpServer::Start.
  absl::Status Serve(const std::string& address);

  // All there is to tell, as it is now. Any thread.
  DaemonStatus Look() const;

  // Where it answers.
  std::string Url() const { return server_->Url(); }

 private:
  HttpResponse Answer(std::string_view path);
  const DaemonStatus& Status();

  const MembershipView& view_;
  const RegionBoard* further_regions_ = nullptr;
  const int64_t started_unix_ns_;
  Ledger ledger_;
  Heartbeat heartbeat_;
  DaemonStatus status_;  // The server's thread.
  std::unique_ptr<HttpServer> server_;
};

}  // namespace tombolo::control

// AdminDesk: does what administrators ask for through gRPC, in the loop's thread, where registry
// and sockets are.
//
// Draining is a word in the registry, which whoever lets newcomers in asks; who is there already
// notices nothing. An eviction kills and nothing else: the slot is vacated and memory is freed when
// the death is proven, as of everybody.
//
// Thread safety: as AdminActions says; construction and destruction in the loop's thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/event_loop/errands.h"
#include "control/event_loop/event_loop.h"
#include "control/http/daemon_status.h"
#include "control/proto/admin_values.h"
#include "control/registry/registry.h"
#include "control/service/admin_actions.h"
#include "control/service/region_actions.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/fsck/region_report.h"

namespace tombolo::control {

// What the desk needs of others; each is called in the loop's thread.
struct AdminTools {
  // Ends the process that has joined a slot, or that is an endpoint of the host.
  std::function<absl::StatusOr<pid_t>(uint32_t slot)> kill_machine;
  std::function<absl::StatusOr<pid_t>(EndpointId id)> kill_process;
  // Keeps for a successor that newcomers are kept out, or not any more.
  std::function<absl::Status(bool draining)> keep_draining;
  // Looks at all of the region; this one is called in any thread.
  std::function<RegionReport()> check_region;
  // All that the status page tells.
  std::function<DaemonStatus()> look;
  // Where the regions of this program are administered, if that is here.
  RegionActions* regions = nullptr;
};

class AdminDesk final : public AdminActions {
 public:
  // `loop` and `registry` must outlive it.
  AdminDesk(EventLoop& loop, Registry& registry, AdminTools tools);

  void EvictPeer(uint32_t slot, uint32_t incarnation, EvictDone done) override;
  void EvictEndpoint(EndpointId id, EvictDone done) override;
  LogLevels SetLogLevel(std::optional<LogLevel> level) override;
  void SetDraining(bool draining, DrainDone done) override;
  FsckSummary Fsck() override;
  void ReadStatistics(StatisticsDone done) override;
  RegionActions* Regions() override { return tools_.regions; }
  void Stop() override;

  Remaining Present() const;

 private:
  absl::StatusOr<pid_t> KillPeer(uint32_t slot, uint32_t incarnation) const;
  absl::StatusOr<pid_t> KillEndpoint(EndpointId id) const;

  absl::StatusOr<Remaining> Drain(bool draining);
  DaemonStatistics Statistics() const;

  Registry& registry_;
  const AdminTools tools_;
  Errands errands_;
};

}  // namespace tombolo::control

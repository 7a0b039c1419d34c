// AdminActions: what administrators may ask of the daemon through gRPC. The daemon's side of it is
// control/daemon/admin_desk.h; the services know no more of the daemon than this.
//
// Thread safety: every function may be called from any thread. Each `done` is called once, at once
// or later, from any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>

#include "absl/status/statusor.h"
#include "control/proto/admin_values.h"
#include "control/service/region_actions.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::control {

class AdminActions {
 public:
  // The pid of the process that was told to end.
  using EvictDone = std::function<void(absl::StatusOr<pid_t> pid)>;

  virtual ~AdminActions() = default;

  // Ends the virtual machine in `slot`, or a process of the host. Errors as membership.proto says
  // of Evict.
  virtual void EvictPeer(uint32_t slot, uint32_t incarnation, EvictDone done) = 0;
  virtual void EvictEndpoint(EndpointId id, EvictDone done) = 0;

  // Sets what the log tells, unless `level` is unset.
  struct LogLevels {
    LogLevel now = LogLevel::kInfo;
    LogLevel before = LogLevel::kInfo;
  };
  virtual LogLevels SetLogLevel(std::optional<LogLevel> level) = 0;

  // Keeps newcomers out, or lets them in again, and tells who is there.
  using DrainDone = std::function<void(absl::StatusOr<Remaining> remaining)>;
  virtual void SetDraining(bool draining, DrainDone done) = 0;

  // Looks at all of the region, in the calling thread: milliseconds for each GiB.
  virtual FsckSummary Fsck() = 0;

  using StatisticsDone = std::function<void(absl::StatusOr<DaemonStatistics> statistics)>;
  virtual void ReadStatistics(StatisticsDone done) = 0;

  // Where the regions of this daemon are administered; null at the sockets of a further region.
  virtual RegionActions* Regions() = 0;

  // Answers whoever waits, and everybody from then on, that the daemon is stopping (Unavailable):
  // a gRPC server ends when all its calls have.
  virtual void Stop() = 0;
};

}  // namespace tombolo::control

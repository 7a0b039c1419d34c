// A registry, its view and a real ControlServer in a folder of their own, as in the daemon. The
// test's thread plays the event loop. No gRPC in this header.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "control/proto/admin_values.h"
#include "control/registry/registry.h"
#include "control/service/admin_actions.h"
#include "control/service/administrators.h"
#include "control/service/control_server.h"
#include "control/service/membership_view.h"
#include "control/service/region_actions.h"
#include "tests/support/temp_dir.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::control {

inline constexpr char kTestRegionUuid[] = "1b4e28ba-2fa1-41d2-883f-0016d3cca427";
inline constexpr uint64_t kTestFreeBytes = 123 << 20;

// Does nothing, and tells what it was asked for.
class RecordingActions final : public AdminActions {
 public:
  static constexpr pid_t kPid = 4711;

  void EvictPeer(uint32_t slot, uint32_t incarnation, EvictDone done) override {
    Evicted("peer", slot, incarnation, done);
  }
  void EvictEndpoint(EndpointId id, EvictDone done) override {
    Evicted("endpoint", id.index, id.incarnation, done);
  }
  LogLevels SetLogLevel(std::optional<LogLevel> level) override;
  void SetDraining(bool draining, DrainDone done) override;
  FsckSummary Fsck() override;
  void ReadStatistics(StatisticsDone done) override;
  RegionActions* Regions() override { return nullptr; }
  void Stop() override {}

  // As in "peer 3.1".
  std::vector<std::string> Asked() const;
  void SetAnswer(absl::Status answer) { answer_ = std::move(answer); }

 private:
  void Note(std::string what);
  void Evicted(const std::string& kind, uint32_t number, uint32_t incarnation,
               const EvictDone& done);

  mutable std::mutex mutex_;  // gRPC's threads ask.
  std::vector<std::string> asked_;
  absl::Status answer_;
};

class ServedRegistry {
 public:
  // The host is in slot 0 and ready: revision 2. Nothing is served yet.
  explicit ServedRegistry(const RegistryLimits& limits = {});

  // Serves operators at control.sock and guests at guest.sock. This process is `administrators`.
  absl::Status Serve(Administrators administrators = Administrators::OfThisProcess());

  // Plugs a device into `slot` and says hello there.
  void PlugReady(uint32_t slot, const std::string& boot_id = "boot");

  Registry& Members() { return registry_; }
  MembershipView& View() { return view_; }
  RecordingActions& Actions() { return actions_; }
  ControlServer& Server() { return *server_; }
  std::string Folder() const { return folder_; }
  std::string OperatorPath() const { return folder_ + "/control.sock"; }
  std::string GuestPath() const { return folder_ + "/guest.sock"; }

 private:
  const TempDir temp_;  // Outlives the server, whose sockets are there.
  const std::string folder_ = temp_.File("run");
  Registry registry_;
  MembershipView view_;
  RecordingActions actions_;
  std::unique_ptr<ControlServer> server_;
};

}  // namespace tombolo::control

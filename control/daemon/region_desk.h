// RegionDesk: the regions of this program: the first one, which it was started with, and further
// ones that administrators make. Each is a Daemon of its own; what is asked through gRPC is done in
// the loop's thread.
//
// All of them keep what must outlive the program in the one store that there is: the first one
// under the names of its parts, each further one in a scope of its own (further_region.h).
//
// Thread safety: as RegionActions says; Start, End and the destructor in the loop's thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/daemon/daemon.h"
#include "control/daemon/daemon_options.h"
#include "control/daemon/further_region.h"
#include "control/event_loop/errands.h"
#include "control/event_loop/event_loop.h"
#include "control/holder/descriptor_store.h"
#include "control/holder/scoped_store.h"
#include "control/http/region_board.h"
#include "control/proto/region_values.h"
#include "control/service/region_actions.h"
#include "transport/region/geometry.h"

namespace tombolo::control {

class RegionDesk final : public RegionActions {
 public:
  // The first one included.
  static constexpr size_t kMostRegions = 16;

  // Serves the first region, as Daemon::Start says, all that a predecessor had, and those of
  // `options.regions` that are missing. An error when the first one cannot be served, or at the
  // first start one of the others not made. A further region that a predecessor had and that cannot
  // be gone on with is kept in the store for another program that can, and told of with the reason;
  // all others are served. `loop` and `store` must outlive it.
  static absl::StatusOr<std::unique_ptr<RegionDesk>> Start(EventLoop& loop, DescriptorStore& store,
                                                           const DaemonOptions& options);

  // Stops serving; a successor goes on.
  ~RegionDesk() override = default;

  // For an orderly end: there will be no successor.
  void End();

  // Of the first one: Daemon::RenewTls().
  void RenewTls() { first_->RenewTls(); }

  // Of the first one.
  std::string Describe() const { return first_->Describe(); }

  void ListRegions(ListDone done) override;
  void DescribeRegion(std::string name, RegionDone done) override;
  void CreateRegion(WantedRegion wanted, RegionDone done) override;
  void ResizeRegion(std::string name, WantedLimits wanted, RegionDone done) override;
  void DeleteRegion(std::string name, DeleteDone done) override;
  void Stop() override { errands_.Stop(); }

 private:
  RegionDesk(EventLoop& loop, DescriptorStore& store, std::string runtime_dir);

  absl::Status Begin(const DaemonOptions& options);
  void Resume(std::map<std::string, NamedDescriptors> scopes);
  void LeaveUnserved(const std::string& name, const absl::Status& why);
  absl::Status MakeMissing(const std::vector<std::string>& words, bool is_first);
  std::vector<ServedRegion> List() const;
  absl::StatusOr<ServedRegion> Describe(const std::string& name) const;
  absl::StatusOr<ServedRegion> Create(const WantedRegion& wanted);
  absl::StatusOr<ServedRegion> Resize(const std::string& name, const WantedLimits& wanted);
  absl::Status Delete(const std::string& name);

  ServedRegion LookAtFirst(bool with_check) const;
  ServedRegion LookAtUnserved(const std::string& name, const absl::Status& why) const;
  // One that may be changed: FailedPrecondition for the first one, NotFound for none.
  absl::StatusOr<FurtherRegion*> FindFurther(const std::string& name) const;
  absl::Status NotFound(const std::string& name) const;
  absl::Status CheckRoom(const RegionLimits& added, const RegionLimits* removed) const;

  RegionBoard board_;  // Of further regions.
  const FurtherRegion::Place place_;
  Errands errands_;
  std::unique_ptr<ScopedStore> first_store_;
  std::unique_ptr<Daemon> first_;
  std::map<std::string, std::unique_ptr<FurtherRegion>> further_;  // By name.
  std::map<std::string, absl::Status> unserved_;  // Kept, and why they cannot be gone on with.
};

}  // namespace tombolo::control

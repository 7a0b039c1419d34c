// RegionActions: what administrators may ask of the regions of a daemon through gRPC. The daemon's
// side of it is control/daemon/region_desk.h; errors are as regions.proto says.
//
// Thread safety: every function may be called from any thread. Each `done` is called once, at once
// or later, from any thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/proto/region_values.h"

namespace tombolo::control {

class RegionActions {
 public:
  using ListDone = std::function<void(const absl::StatusOr<std::vector<ServedRegion>>& regions)>;
  using RegionDone = std::function<void(const absl::StatusOr<ServedRegion>& region)>;
  using DeleteDone = std::function<void(const absl::Status& deleted)>;

  virtual ~RegionActions() = default;

  virtual void ListRegions(ListDone done) = 0;
  virtual void DescribeRegion(std::string name, RegionDone done) = 0;
  virtual void CreateRegion(WantedRegion wanted, RegionDone done) = 0;
  virtual void ResizeRegion(std::string name, WantedLimits wanted, RegionDone done) = 0;
  virtual void DeleteRegion(std::string name, DeleteDone done) = 0;

  // As AdminActions::Stop().
  virtual void Stop() = 0;
};

}  // namespace tombolo::control

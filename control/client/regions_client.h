// RegionsClient: asks a tombolod about its regions, and to make, resize and delete them, which only
// administrators may (regions.proto). Errors are as ControlClient's; PermissionDenied also when the
// caller is no administrator.
//
// Thread safety: each call may be made from any thread. This header knows neither gRPC nor
// protobuf.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/proto/region_values.h"

namespace tombolo::control {

class RegionsClient {
 public:
  // The memory of a large region takes its time.
  static constexpr std::chrono::milliseconds kDefaultTimeout{60'000};

  // socket_path: of the control.sock of the first region.
  explicit RegionsClient(std::string socket_path,
                         std::chrono::milliseconds timeout = kDefaultTimeout);
  ~RegionsClient();

  absl::StatusOr<std::vector<ServedRegion>> List();
  absl::StatusOr<ServedRegion> Describe(const std::string& name);
  absl::StatusOr<ServedRegion> Create(const WantedRegion& wanted);
  absl::StatusOr<ServedRegion> Resize(const std::string& name, const WantedLimits& limits);
  absl::Status Delete(const std::string& name);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tombolo::control

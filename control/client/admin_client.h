// AdminClient: asks a tombolod what only administrators may (admin.proto). Errors are as
// ControlClient's; PermissionDenied also when the caller is no administrator.
//
// Thread safety: each call may be made from any thread. This header knows neither gRPC nor
// protobuf.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/proto/admin_values.h"

namespace tombolo::control {

class AdminClient {
 public:
  // A look at all of a large region takes its time.
  static constexpr std::chrono::milliseconds kDefaultTimeout{30'000};

  explicit AdminClient(std::string socket_path,
                       std::chrono::milliseconds timeout = kDefaultTimeout);
  ~AdminClient();

  struct LogLevels {
    LogLevel now = LogLevel::kInfo;
    LogLevel before = LogLevel::kInfo;
  };
  // Unset: changes nothing.
  absl::StatusOr<LogLevels> SetLogLevel(std::optional<LogLevel> level);

  // Who is still there.
  absl::StatusOr<Remaining> Drain();
  absl::Status Undrain();

  absl::StatusOr<FsckSummary> Fsck();
  absl::StatusOr<DaemonStatistics> GetStatistics();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tombolo::control

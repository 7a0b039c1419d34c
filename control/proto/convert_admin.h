// Between the messages of admin.proto and the values of admin_values.h. As in convert.h: To* is
// what the daemon sends, From* what a client received.
#pragma once

#include <optional>

#include "control/proto/admin.pb.h"
#include "control/proto/admin_values.h"

namespace tombolo::control {

v1::LogLevel ToLogLevel(LogLevel level);

// Nothing when it is UNSPECIFIED, or none that this version knows.
std::optional<LogLevel> FromLogLevel(v1::LogLevel message);

v1::Remaining ToRemaining(const Remaining& remaining);
Remaining FromRemaining(const v1::Remaining& message);

v1::FsckResponse ToFsckResponse(const FsckSummary& summary);
FsckSummary FromFsckResponse(const v1::FsckResponse& response);

v1::GetStatisticsResponse ToStatisticsResponse(const DaemonStatistics& statistics);
DaemonStatistics FromStatisticsResponse(const v1::GetStatisticsResponse& response);

}  // namespace tombolo::control

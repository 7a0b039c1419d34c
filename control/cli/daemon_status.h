// Whether the daemon answers, and for how long it has run.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/client/control_client.h"
#include "control/registry/region_info.h"

namespace tombolo::control {

enum class DaemonState {
  kAnswers,
  kSilent,  // It took a connection, and has not answered within a second.
  kAbsent,  // Nobody listens, or not for this user.
};

const char* Word(DaemonState state);  // answers, silent, absent

struct DaemonStatus {
  DaemonState state = DaemonState::kAbsent;
  // Who listens: in a guest its agent, which passes on what it is asked.
  std::string program;
  pid_t pid = 0;
  std::optional<double> uptime_s;
  // What it says of its region, or why it says nothing.
  absl::StatusOr<RegionInfo> region = absl::UnavailableError("not asked");
};

// Asks at `control_socket`. `proc`: where the kernel shows processes.
DaemonStatus AskDaemon(const std::string& control_socket, const std::string& proc = "/proc");

// One on another machine, of which no more can be known.
DaemonStatus AskServer(ControlClient& client);

}  // namespace tombolo::control

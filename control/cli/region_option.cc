#include "control/cli/region_option.h"

namespace tombolo::control {

void AddRegionOption(CLI::App& command, std::string& file) {
  command
      .add_option("--region", file,
                  "The region's file, for example /proc/PID/fd/N (default: found in what the "
                  "processes of this machine hold, or the device of this guest)")
      ->option_text("FILE");
}

absl::StatusOr<RegionSource> OpenRegion(const CliContext& context, const std::string& file) {
  return RegionSource::Open({.file = file,
                             .daemon_socket = context.ControlSocket(),
                             .runtime_dir = context.runtime_dir,
                             .proc = "/proc",
                             .system = {}});
}

}  // namespace tombolo::control

// The option --region, which all commands have that look at the region itself.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "control/cli/cli_context.h"
#include "control/region_source/region_source.h"

namespace tombolo::control {

// `file` must outlive `command`.
void AddRegionOption(CLI::App& command, std::string& file);

// The region at `file`, or the one there is; errors as RegionSource::Open.
absl::StatusOr<RegionSource> OpenRegion(const CliContext& context, const std::string& file);

}  // namespace tombolo::control

// `tombolo cp -r`: a folder and all that is in it. Only regular files and folders are: links and
// what else there is are left out, and named.
//
// Each file is a copy of its own, as without -r; the first that does not arrive ends it. Names that
// the other side tells are single ones, so that nothing is written outside of the target.
#pragma once

#include "absl/status/status.h"
#include "control/cli/cli_context.h"
#include "control/cli/copy_paths.h"

namespace tombolo::control {

// `paths` name the two folders; that of the target is made, the one that it is in has to be there.
absl::Status CopyTree(const CliContext& context, const CopyPaths& paths, bool quiet);

}  // namespace tombolo::control

// `tombolo cp` of one file.
#pragma once

#include "absl/status/status.h"
#include "control/cli/cli_context.h"
#include "control/cli/copy_paths.h"

namespace tombolo::control {

// Copies it, with a progress bar and a summary unless `quiet`. Aborted with a sentence for people
// when it did not arrive; InvalidArgument when what is to be sent is no regular file.
absl::Status CopyOne(const CliContext& context, const CopyPaths& paths, bool quiet);

}  // namespace tombolo::control

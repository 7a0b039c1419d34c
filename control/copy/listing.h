// Listing: what is in a folder, told from one side to the other (frames.h). Only regular files and
// folders are, and no parts of other copies; links are left out, so that nobody is led in a circle.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/copy/frames.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {

// Sends what is in `folder`, and kDone. ResourceExhausted: that is more than kMostEntries.
absl::Status SendListing(int socket, UniqueFd folder);

// Receives it. InvalidArgument: a name that cannot be one of a file, or too many; the other side is
// not believed.
absl::StatusOr<std::vector<Entry>> ReceiveListing(int socket);

}  // namespace tombolo::control

// The far side of one copy: reads the request and serves it below the folders that are allowed.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "control/copy/folders.h"

namespace tombolo::control {

struct SessionEnd {
  std::string what;     // As in "put /srv/share/a", printable.
  absl::Status status;  // Also told to the other side.
};

// Serves the connected, blocking `socket` until its request is done. Whoever is refused is listened
// to a little longer, so that it reads why before it meets a closed connection.
SessionEnd ServeCopy(int socket, const Folders& folders);

}  // namespace tombolo::control

// The near side of a copy: asks the CopyServer at the other end of a connected, blocking socket.
// Errors are those of the transfer, or what the other side said (printable); the other side is told
// of ours.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/copy/folders.h"
#include "control/copy/frames.h"
#include "control/copy/transfer.h"

namespace tombolo::control {

// Sends `file` to `path` there.
absl::Status PutFile(int socket, int file, std::string_view path, const OnProgress& on_progress);

// Fetches `path` from there into `place`.
absl::Status GetFile(int socket, std::string_view path, const FilePlace& place,
                     const OnProgress& on_progress);

// Lets there be a folder `path` there.
absl::Status MakeFolder(int socket, std::string_view path);

// What is in the folder `path` there.
absl::StatusOr<std::vector<Entry>> ListFolder(int socket, std::string_view path);

}  // namespace tombolo::control

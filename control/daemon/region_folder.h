// The folder of a further region: who may enter it, and whose its sockets are.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tombolo::control {

// The group called `name`; nothing for no name. InvalidArgument: there is none.
absl::StatusOr<std::optional<gid_t>> FindGroup(const std::string& name);

// Makes the folder, or takes one that is there. With a group only its members and the owner may
// enter. PermissionDenied: this process may not make it, or is not in that group.
absl::Status MakeRegionFolder(const std::string& path, std::optional<gid_t> group);

// Gives all sockets in it to the group. Errors as above.
absl::Status GiveSocketsTo(const std::string& folder, std::optional<gid_t> group);

// The group of the file, by name, or by number where it has none; empty if there is no such file.
std::string GroupOf(const std::string& path);

// Removes what a daemon has in it, and itself. What it says in the log is that somebody has left
// other things there, which stay.
void RemoveRegionFolder(const std::string& path);

}  // namespace tombolo::control

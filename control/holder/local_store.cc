#include "control/holder/local_store.h"

#include <errno.h>
#include <fcntl.h>

#include <string>
#include <utility>

#include "transport/base/errno_status.h"

namespace tombolo::control {
namespace {

UniqueFd Copy(int fd) { return UniqueFd(fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

}  // namespace

absl::Status LocalStore::Store(std::string_view name, int fd) {
  UniqueFd copy = Copy(fd);
  if (!copy.IsOpen()) return ErrnoStatus(errno, "copy a descriptor");
  kept_.insert_or_assign(std::string(name), std::move(copy));
  return absl::OkStatus();
}

absl::Status LocalStore::Remove(std::string_view name) {
  if (const auto found = kept_.find(name); found != kept_.end()) kept_.erase(found);
  return absl::OkStatus();
}

NamedDescriptors LocalStore::Take() {
  NamedDescriptors copies;
  for (const auto& [name, fd] : kept_) copies.emplace(name, Copy(fd.Get()));
  return copies;
}

}  // namespace tombolo::control

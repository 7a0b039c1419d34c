#include "control/holder/holder_store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <span>

#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control {

absl::Status HolderStore::Send(HolderOp op, std::string_view name, int fd) {
  if (name.size() > kMaxDescriptorNameBytes) {
    return absl::InvalidArgumentError(absl::StrCat("the name of a descriptor has ", name.size(),
                                                   " bytes; at most ", kMaxDescriptorNameBytes,
                                                   " are kept."));
  }
  if (orphaned_) return absl::OkStatus();
  HolderRequest request{.op = op};
  memcpy(request.name, name.data(), name.size());
  const std::span<const int> fds(&fd, fd >= 0 ? 1 : 0);
  const int error = SendMessage(socket_.Get(), std::as_bytes(std::span(&request, 1)), fds);
  if (error == EPIPE || error == ECONNRESET) {
    orphaned_ = true;
    fprintf(stderr,
            "warning: the holder of this process is gone; if it dies, so do its clients.\n");
    return absl::OkStatus();
  }
  if (error != 0) return ErrnoStatus(error, "give a descriptor to the holder");
  return absl::OkStatus();
}

absl::Status HolderStore::Store(std::string_view name, int fd) {
  if (name.empty() || fd < 0) return absl::InvalidArgumentError("nothing to store");
  return Send(HolderOp::kStore, name, fd);
}

absl::Status HolderStore::Remove(std::string_view name) {
  return Send(HolderOp::kRemove, name, -1);
}

void HolderStore::MarkReady() {
  // Nobody to tell is no reason to fail.
  Send(HolderOp::kReady, "", -1).IgnoreError();
}

}  // namespace tombolo::control

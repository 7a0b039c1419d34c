#include "control/daemon/descriptor_limit.h"

#include <errno.h>
#include <sys/resource.h>

#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"

namespace tombolo::control {
namespace {

// Per slot: the socket that listens for its machine, and that machine's.
constexpr uint64_t kSocketsPerSlot = 2;

// Loops, gRPC's threads and connections, the region, the log.
constexpr uint64_t kOtherDescriptors = 64;

}  // namespace

uint64_t NeededDescriptors(const RegionLimits& limits) {
  return uint64_t{limits.slot_count} * (limits.vector_count + kSocketsPerSlot) + kOtherDescriptors;
}

absl::Status RaiseDescriptorLimit(uint64_t needed) {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return ErrnoStatus(errno, "ask for RLIMIT_NOFILE");
  if (limit.rlim_max < needed) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "slots times vectors need ", needed, " open files, but the hard limit is ", limit.rlim_max,
        "; raise it (`ulimit -Hn ", needed, "` as root, or LimitNOFILE=", needed,
        " in a systemd unit), or ask for fewer --slots or --vectors."));
  }
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return ErrnoStatus(errno, "raise RLIMIT_NOFILE");
  return absl::OkStatus();
}

}  // namespace tombolo::control

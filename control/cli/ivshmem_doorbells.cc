#include "control/cli/ivshmem_doorbells.h"

#include <stdio.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "control/cli/deadline.h"
#include "control/ivshmem_peer/ivshmem_peer.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

using JoinedPeer = absl::StatusOr<std::unique_ptr<IvshmemPeer>>;

absl::Status AwaitRings(IvshmemPeer& peer, uint32_t count, double timeout_s) {
  const Deadline deadline(timeout_s);
  for (uint64_t seen = 0; seen < count;) {
    if (deadline.IsOver()) {
      return absl::AbortedError(absl::StrCat("it was rung ", seen, " times within ", timeout_s,
                                             " s, and ", count, " were waited for."));
    }
    const absl::StatusOr<uint64_t> rings =
        peer.Await(std::clamp<int64_t>(deadline.LeftNs(), 0, kNsPerSecond));
    if (!rings.ok()) return rings.status();
    seen += *rings;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RingIvshmem(const IvshmemFlags& flags, uint32_t peer, uint32_t vector) {
  const JoinedPeer self = JoinIvshmem(flags);
  return self.ok() ? (*self)->Ring(peer, vector) : self.status();
}

absl::Status AwaitIvshmem(const IvshmemFlags& flags, const std::string& vector, uint32_t count,
                          double timeout_s) {
  uint32_t number = 0;
  if (!vector.empty() && !absl::SimpleAtoi(vector, &number)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", vector, "' is no vector: events have names in Tombolo only, here say 0, 1, ..."));
  }
  const JoinedPeer self = JoinIvshmem(flags, Interrupts::kNeeded);
  if (!self.ok()) return self.status();
  if (absl::Status status = (*self)->Listen(number); !status.ok()) return status;
  printf("tombolo ring %u:%u\n", (*self)->Id(), number);
  fflush(stdout);
  return AwaitRings(**self, count, timeout_s);
}

absl::Status PrintIvshmemId(const IvshmemFlags& flags) {
  const JoinedPeer self = JoinIvshmem(flags);
  if (!self.ok()) return self.status();
  const absl::StatusOr<std::span<std::byte>> memory = (*self)->Memory(Access::kRead);
  if (!memory.ok()) return memory.status();
  const absl::StatusOr<std::string> rest = (*self)->Describe();
  if (!rest.ok()) return rest.status();
  printf("id %u\nmemory %zu bytes\n%s", (*self)->Id(), memory->size(), rest->c_str());
  return absl::OkStatus();
}

}  // namespace tombolo::control

#include "control/doorbells/doorbell_table.h"

#include <errno.h>
#include <sys/eventfd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"
#include "transport/base/ring_eventfd.h"

namespace tombolo::control {
namespace {

absl::Status TooManyDescriptors(size_t made, size_t wanted) {
  return absl::ResourceExhaustedError(absl::StrCat(
      "only ", made, " of ", wanted,
      " eventfds (slots times vectors) could be made before the limit of open descriptors; raise "
      "it (`ulimit -n`, or LimitNOFILE= in a systemd unit) or ask for fewer --slots or "
      "--vectors."));
}

}  // namespace

absl::StatusOr<DoorbellTable> DoorbellTable::Create(uint32_t slot_count, uint32_t vector_count) {
  DoorbellTable table(slot_count, vector_count);
  const size_t wanted = size_t{slot_count} * vector_count;
  table.fds_.reserve(wanted);
  while (table.fds_.size() < wanted) {
    UniqueFd fd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!fd.IsOpen()) {
      if (errno == EMFILE || errno == ENFILE) {
        return TooManyDescriptors(table.fds_.size(), wanted);
      }
      return ErrnoStatus(errno, "make an eventfd");
    }
    table.fds_.push_back(std::move(fd));
  }
  return table;
}

DoorbellTable DoorbellTable::Adopt(uint32_t slot_count, uint32_t vector_count,
                                   std::vector<UniqueFd> fds) {
  DoorbellTable table(slot_count, vector_count);
  table.fds_ = std::move(fds);
  return table;
}

void DoorbellTable::Ring(uint32_t slot, uint32_t vector) const {
  if (slot >= slot_count_ || vector >= vector_count_) return;
  RingEventfd(Fd(slot, vector));
}

}  // namespace tombolo::control

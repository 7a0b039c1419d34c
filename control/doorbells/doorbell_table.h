// DoorbellTable: the permanent eventfds of all slots of one region, one for each (slot, vector).
//
// They live as long as the region: a virtual machine that leaves and comes back gets the eventfds
// that its slot always had, so nobody else has to be told.
// Ringing a vacant slot parks in the counter and is harmless, as a doorbell is only a hint.
//
// Ownership: the table owns the descriptors; what it hands out stays its own. All are non-blocking
// and close-on-exec. Thread safety: immutable after Create(); Ring() may be called from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {

class DoorbellTable {
 public:
  // Makes slot_count * vector_count eventfds. ResourceExhausted, with the limit to raise, when the
  // process may not have as many descriptors.
  static absl::StatusOr<DoorbellTable> Create(uint32_t slot_count, uint32_t vector_count);

  // Those of a former table, slot_count * vector_count of them, row by row.
  static DoorbellTable Adopt(uint32_t slot_count, uint32_t vector_count, std::vector<UniqueFd> fds);

  uint32_t SlotCount() const { return slot_count_; }
  uint32_t VectorCount() const { return vector_count_; }

  // The eventfd of (slot, vector), which must be below the counts.
  int Fd(uint32_t slot, uint32_t vector) const {
    return fds_[size_t{slot} * vector_count_ + vector].Get();
  }

  // Never blocks. A slot or vector that does not exist is ignored, as the device ignores it.
  void Ring(uint32_t slot, uint32_t vector) const;

 private:
  DoorbellTable(uint32_t slot_count, uint32_t vector_count)
      : slot_count_(slot_count), vector_count_(vector_count) {}

  uint32_t slot_count_;
  uint32_t vector_count_;
  std::vector<UniqueFd> fds_;  // Row by row: all vectors of slot 0, of slot 1, ...
};

}  // namespace tombolo::control

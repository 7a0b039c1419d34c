// StateMemory: a small memfd in which a daemon writes down its state, for its successor. Unlike the
// region it is mapped by nobody else.
//
//   head: magic, which bank holds | bank 0: size, checksum, bytes | bank 1: the same
//
// Save() fills the bank that does not hold and then says, by one store, that it does. So the
// process may be killed at any instruction: what is found is the state before or after, whole.
//
// Sealed against any change of size, so that reading it never faults. The checksum finds a writer
// that went astray; who reads must check the state itself all the same. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"
#include "transport/device/mapping.h"

namespace tombolo::control {

class StateMemory {
 public:
  // For states of up to `most_bytes`; none is saved yet. ResourceExhausted without the memory.
  static absl::StatusOr<StateMemory> Create(size_t most_bytes);

  // The memory of a predecessor. FailedPrecondition: it is no such memory.
  static absl::StatusOr<StateMemory> Adopt(UniqueFd fd);

  // `state` has at most MostBytes().
  void Save(std::span<const std::byte> state);

  // A copy of what was saved last. FailedPrecondition: nothing was, or it is damaged.
  absl::StatusOr<std::vector<std::byte>> Load() const;

  size_t MostBytes() const;
  int Fd() const { return fd_.Get(); }

 private:
  StateMemory(UniqueFd fd, Mapping mapping) : fd_(std::move(fd)), mapping_(std::move(mapping)) {}

  std::span<std::byte> Bank(uint64_t bank) const;

  UniqueFd fd_;
  Mapping mapping_;
};

}  // namespace tombolo::control

// ServerMessages: what an ivshmem server tells a client, checked message by message (QEMU,
// docs/specs/ivshmem-spec.rst, "ivshmem Client-Server protocol", version 0).
//
//   value             descriptor
//   0 (version)       -
//   own ID            -
//   -1                the memory
//   ID of a peer      its eventfd of vector 0, then 1, ...: it is there, or has come
//   own ID            own eventfd of vector 0, then 1, ...
//   ID of a peer      none: it has gone
//
// Nothing says where the handshake ends: who is there is known for certain once the own eventfds
// have begun, how many vectors there are is not.
//
// It does no I/O and keeps no descriptor but that of the memory. What it assumes of the server:
// nothing; what makes no sense is an error, after which there is no going on. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {

class ServerMessages {
 public:
  static constexpr uint32_t kMaxId = 65535;
  // As many as a doorbell's register can name on every QEMU.
  static constexpr uint32_t kMaxVectors = 256;

  struct Doorbell {
    uint32_t peer = 0;
    uint32_t vector = 0;
    UniqueFd eventfd;
  };

  // The next message; nothing: it was none of a doorbell. FailedPrecondition says what was seen and
  // what was expected; ResourceExhausted: the server has no place for us.
  absl::StatusOr<std::optional<Doorbell>> Take(int64_t value, std::vector<UniqueFd> fds);

  // Whether ID and memory have come.
  bool IsSetUp() const { return expected_ == Expected::kPeers; }
  uint32_t OwnId() const { return own_id_; }
  int MemoryFd() const { return memory_.Get(); }

  // So far.
  uint32_t OwnVectors() const { return own_vectors_; }

  // How many vectors each other peer has that is there and has any.
  const std::map<uint32_t, uint32_t>& Others() const { return others_; }

 private:
  enum class Expected { kVersion, kId, kMemory, kPeers };

  absl::Status TakeVersion(int64_t value, size_t fd_count);
  absl::Status TakeId(int64_t value, size_t fd_count);
  absl::Status TakeMemory(int64_t value, std::vector<UniqueFd> fds);
  absl::StatusOr<std::optional<Doorbell>> TakePeer(int64_t value, std::vector<UniqueFd> fds);

  Expected expected_ = Expected::kVersion;
  uint32_t own_id_ = 0;
  UniqueFd memory_;
  uint32_t own_vectors_ = 0;
  std::map<uint32_t, uint32_t> others_;
};

}  // namespace tombolo::control

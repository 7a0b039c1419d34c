#include "control/ivshmem_peer/server_messages.h"

#include <errno.h>

#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "control/ivshmem_server/handshake.h"

namespace tombolo::control {
namespace {

absl::Status Unexpected(int64_t value, size_t fd_count, const std::string& expected) {
  return absl::FailedPreconditionError(absl::StrCat(
      "the server said ", value, " with ", fd_count, " descriptors, expected ", expected,
      ": it speaks no version of the ivshmem protocol that is known here. Is it an ivshmem server, "
      "as QEMU's ivshmem-doorbell wants one?"));
}

bool IsId(int64_t value) { return value >= 0 && value <= int64_t{ServerMessages::kMaxId}; }

}  // namespace

absl::StatusOr<std::optional<ServerMessages::Doorbell>> ServerMessages::Take(
    int64_t value, std::vector<UniqueFd> fds) {
  absl::Status status;
  switch (expected_) {
    case Expected::kVersion:
      status = TakeVersion(value, fds.size());
      break;
    case Expected::kId:
      status = TakeId(value, fds.size());
      break;
    case Expected::kMemory:
      status = TakeMemory(value, std::move(fds));
      break;
    case Expected::kPeers:
      return TakePeer(value, std::move(fds));
  }
  if (!status.ok()) return status;
  return std::optional<Doorbell>();
}

absl::Status ServerMessages::TakeVersion(int64_t value, size_t fd_count) {
  // tombolod's, whose slots are limited.
  if (value == -EBUSY || value == -ENOSPC) {
    return absl::ResourceExhaustedError(
        "the server has no place: somebody has this slot, or all are taken; `tombolo peers` tells "
        "of a tombolod who has them.");
  }
  if (value != kIvshmemProtocolVersion || fd_count != 0) {
    return Unexpected(value, fd_count, "version 0");
  }
  expected_ = Expected::kId;
  return absl::OkStatus();
}

absl::Status ServerMessages::TakeId(int64_t value, size_t fd_count) {
  if (!IsId(value) || fd_count != 0) return Unexpected(value, fd_count, "our ID, 0 to 65535");
  own_id_ = static_cast<uint32_t>(value);
  expected_ = Expected::kMemory;
  return absl::OkStatus();
}

absl::Status ServerMessages::TakeMemory(int64_t value, std::vector<UniqueFd> fds) {
  if (value != kIvshmemMemoryMessage || fds.size() != 1) {
    return Unexpected(value, fds.size(), "-1 with the memory");
  }
  memory_ = std::move(fds[0]);
  expected_ = Expected::kPeers;
  return absl::OkStatus();
}

absl::StatusOr<std::optional<ServerMessages::Doorbell>> ServerMessages::TakePeer(
    int64_t value, std::vector<UniqueFd> fds) {
  if (!IsId(value) || fds.size() > 1) {
    return Unexpected(value, fds.size(), "the ID of a peer, with an eventfd or without");
  }
  const auto peer = static_cast<uint32_t>(value);
  if (fds.empty()) {
    if (peer == own_id_) return Unexpected(value, 0, "no departure of ourselves");
    others_.erase(peer);
    return std::optional<Doorbell>();
  }
  uint32_t& count = peer == own_id_ ? own_vectors_ : others_[peer];
  if (count == kMaxVectors) {
    return Unexpected(value, 1, absl::StrCat("at most ", kMaxVectors, " eventfds of a peer"));
  }
  return Doorbell{.peer = peer, .vector = count++, .eventfd = std::move(fds[0])};
}

}  // namespace tombolo::control

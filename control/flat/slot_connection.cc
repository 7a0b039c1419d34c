#include "control/flat/slot_connection.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <memory>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "control/ivshmem_server/handshake.h"
#include "transport/base/errno_status.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control {
namespace {

constexpr time_t kTimeoutS = 5;
// The server's own messages take less than this each.
constexpr int kBytesPerMessage = 1024;

absl::Status Refused(int64_t version) {
  if (version == -EBUSY) {
    return absl::FailedPreconditionError(
        "another machine has this slot; take ivshmem.sock for any, or end that one.");
  }
  if (version == -ENOSPC) {
    return absl::FailedPreconditionError(
        "all slots are taken; end a machine, or start tombolod with more --slots.");
  }
  return absl::FailedPreconditionError(absl::StrCat("the server says version ", version,
                                                    ", expected ", kIvshmemProtocolVersion,
                                                    ": is this tombolod's ivshmem.sock?"));
}

}  // namespace

absl::StatusOr<SlotConnection> SlotConnection::Take(const std::string& path) {
  absl::StatusOr<UniqueFd> socket = ConnectUnix(path, SOCK_STREAM);
  if (!socket.ok()) return socket.status();
  const timeval timeout{.tv_sec = kTimeoutS, .tv_usec = 0};
  setsockopt(socket->Get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  SlotConnection connection(*std::move(socket));
  if (absl::Status status = connection.TakeGreeting(); !status.ok()) return status;
  if (absl::Status status = connection.MapRegion(); !status.ok()) return status;
  const RegionLimits& limits = connection.region_->Limits();
  for (uint32_t i = 0; i < limits.slot_count * limits.vector_count; ++i) {
    if (absl::Status status = connection.TakeNext(); !status.ok()) return status;
  }
  return connection;
}

absl::Status SlotConnection::TakeNext() {
  uint64_t wire = 0;
  absl::StatusOr<ReceivedMessage> message =
      ReceiveMessage(socket_.Get(), std::as_writable_bytes(std::span(&wire, 1)));
  if (absl::IsUnavailable(message.status())) {
    return absl::UnavailableError(
        absl::StrCat("the server has said nothing for ", kTimeoutS, " s; is tombolod busy?"));
  }
  if (!message.ok()) return message.status();
  if (message->size_bytes != sizeof(wire) || message->fds.size() > 1) {
    return absl::FailedPreconditionError(
        absl::StrCat("the server said ", message->size_bytes, " bytes with ", message->fds.size(),
                     " descriptors, expected 8 with at most one; its log tells why."));
  }
  said_.push_back({.value = static_cast<int64_t>(le64toh(wire)),
                   .fd = message->fds.empty() ? UniqueFd() : std::move(message->fds[0])});
  return absl::OkStatus();
}

absl::Status SlotConnection::TakeGreeting() {
  if (absl::Status status = TakeNext(); !status.ok()) return status;
  if (said_[0].value != kIvshmemProtocolVersion) return Refused(said_[0].value);
  for (int i = 0; i < 2; ++i) {
    if (absl::Status status = TakeNext(); !status.ok()) return status;
  }
  slot_ = static_cast<uint16_t>(said_[1].value);
  memory_fd_ = said_[2].fd.Get();
  if (slot_ == said_[1].value && said_[2].value == kIvshmemMemoryMessage && memory_fd_ >= 0) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError("the server gave no slot or no memory.");
}

absl::Status SlotConnection::MapRegion() {
  const absl::StatusOr<uint64_t> bytes = FileBytes(memory_fd_);
  if (!bytes.ok()) return bytes.status();
  absl::StatusOr<Mapping> memory = Mapping::Map(memory_fd_, 0, *bytes);
  if (!memory.ok()) return memory.status();
  memory_ = *std::move(memory);
  absl::StatusOr<Region> region = Region::Attach(memory_.Bytes());
  if (!region.ok()) return region.status();
  region_ = std::make_unique<Region>(*region);
  if (slot_ < region_->Limits().slot_count) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the server gave slot ", slot_, " of ", region_->Limits().slot_count, "."));
}

int SlotConnection::Doorbell(int64_t slot, uint16_t vector) const {
  for (size_t i = 3; i < said_.size(); ++i) {
    if (said_[i].value == slot && vector-- == 0) return said_[i].fd.Get();
  }
  return -1;
}

absl::StatusOr<UniqueFd> SlotConnection::Repeat() const {
  absl::StatusOr<std::pair<UniqueFd, UniqueFd>> pair = UnixSocketPair(SOCK_STREAM | SOCK_NONBLOCK);
  if (!pair.ok()) return pair.status();
  // The kernel takes what it allows; whether that is enough is seen below.
  const int bytes = static_cast<int>(said_.size()) * kBytesPerMessage;
  setsockopt(pair->first.Get(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
  for (const Said& said : said_) {
    const uint64_t wire = htole64(static_cast<uint64_t>(said.value));
    const int fd = said.fd.Get();
    const std::span<const int> fds(&fd, fd >= 0 ? 1 : 0);
    const int error = SendMessage(pair->first.Get(), std::as_bytes(std::span(&wire, 1)), fds);
    if (error == 0) continue;
    return absl::ResourceExhaustedError(
        absl::StrCat("a handshake of ", said_.size(), " messages does not fit into a socket (",
                     ErrnoStatus(error, "sendmsg").message(),
                     "); start tombolod with fewer --slots or --vectors."));
  }
  // Open for ever, or the device would take its server for dead.
  if (fcntl(pair->first.Get(), F_SETFD, 0) != 0) return ErrnoStatus(errno, "fcntl");
  (void)pair->first.Release();
  return std::move(pair->second);
}

}  // namespace tombolo::control

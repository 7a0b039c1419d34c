#include "control/ivshmem_peer/server_peer.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "transport/base/clock.h"
#include "transport/base/errno_status.h"
#include "transport/base/ring_eventfd.h"
#include "transport/base/unix_socket.h"

namespace tombolo::control {
namespace {

constexpr char kEventfdLink[] = "anon_inode:[eventfd]";

// Whether something can be read of any, at most `timeout_ns` from now.
bool AwaitInput(std::span<pollfd> inputs, int64_t timeout_ns) {
  const timespec timeout{.tv_sec = timeout_ns / kNsPerSecond, .tv_nsec = timeout_ns % kNsPerSecond};
  return ppoll(inputs.data(), inputs.size(), &timeout, nullptr) > 0;
}

absl::Status ServerHasGone() {
  return absl::UnavailableError(
      "the ivshmem server has closed the connection; its log may tell why, or it has ended.");
}

// Whatever else could make whoever writes to it wait. Writers and readers of it never wait then.
absl::Status MakeNonBlockingEventfd(int fd) {
  std::error_code error;
  const auto target = std::filesystem::read_symlink(absl::StrCat("/proc/self/fd/", fd), error);
  if (error || target != kEventfdLink) {
    return absl::FailedPreconditionError(
        absl::StrCat("the server gave ", error ? error.message() : "'" + target.string() + "'",
                     " for a doorbell, expected an eventfd."));
  }
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return ErrnoStatus(errno, "fcntl");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<ServerPeer>> ServerPeer::Join(const std::string& socket,
                                                             Patience patience) {
  absl::StatusOr<UniqueFd> connection = ConnectUnix(socket, SOCK_STREAM);
  if (absl::IsNotFound(connection.status())) {
    return absl::UnavailableError(connection.status().message());
  }
  if (!connection.ok()) return connection.status();
  auto peer = std::unique_ptr<ServerPeer>(new ServerPeer(*std::move(connection), patience));
  if (absl::Status status = peer->SetUp(); !status.ok()) return status;
  return peer;
}

absl::Status ServerPeer::SetUp() {
  while (!messages_.IsSetUp()) {
    const absl::StatusOr<std::optional<Doorbell>> message = Next(patience_.answer_ns);
    if (absl::IsDeadlineExceeded(message.status())) {
      return absl::UnavailableError(absl::StrCat("the ivshmem server said nothing for ",
                                                 patience_.answer_ns / kNsPerSecond,
                                                 " s, expected version, ID and memory."));
    }
    if (!message.ok()) return message.status();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<ServerMessages::Doorbell>> ServerPeer::Next(int64_t timeout_ns) {
  pollfd input{.fd = socket_.Get(), .events = POLLIN, .revents = 0};
  if (!AwaitInput(std::span(&input, 1), timeout_ns)) {
    return absl::DeadlineExceededError("the server says nothing");
  }
  uint64_t wire = 0;
  absl::StatusOr<ReceivedMessage> received =
      ReceiveMessage(socket_.Get(), std::as_writable_bytes(std::span(&wire, 1)));
  if (!received.ok()) return received.status();
  if (received->size_bytes == 0) return ServerHasGone();
  if (received->size_bytes != sizeof(wire)) {
    return absl::FailedPreconditionError(
        absl::StrCat("the server sent ", received->size_bytes,
                     " bytes, expected messages of 8: is it an ivshmem server?"));
  }
  return messages_.Take(static_cast<int64_t>(le64toh(wire)), std::move(received->fds));
}

absl::StatusOr<std::optional<ServerMessages::Doorbell>> ServerPeer::NextOfMany(int64_t end_ns) {
  if (MonotonicNs() < end_ns) return Next(patience_.quiet_ns);
  return absl::FailedPreconditionError(absl::StrCat("the server told of peers for ",
                                                    patience_.answer_ns / kNsPerSecond,
                                                    " s without an end; is it well?"));
}

absl::StatusOr<std::span<std::byte>> ServerPeer::Memory(Access access) {
  const absl::StatusOr<uint64_t> size_bytes = FileBytes(messages_.MemoryFd());
  if (!size_bytes.ok()) return size_bytes.status();
  if (*size_bytes == 0) {
    return absl::FailedPreconditionError(
        "the server gave an empty file, or none that can be mapped, for the memory.");
  }
  absl::StatusOr<Mapping> mapping = access == Access::kRead
                                        ? Mapping::MapReadOnly(messages_.MemoryFd(), 0, *size_bytes)
                                        : Mapping::Map(messages_.MemoryFd(), 0, *size_bytes);
  if (!mapping.ok()) return mapping.status();
  mapping_ = *std::move(mapping);
  return mapping_.Bytes();
}

absl::Status ServerPeer::NoSuchDoorbell(uint32_t peer, uint32_t vector) const {
  const auto found = messages_.Others().find(peer);
  const uint32_t vectors = peer == Id()                        ? messages_.OwnVectors()
                           : found == messages_.Others().end() ? 0
                                                               : found->second;
  if (vectors != 0) {
    return absl::NotFoundError(absl::StrCat("peer ", peer, " has no vector ", vector,
                                            ": the server gives it 0 to ", vectors - 1, "."));
  }
  std::string others;
  for (const auto& [other, count] : messages_.Others()) absl::StrAppend(&others, " ", other);
  return absl::NotFoundError(absl::StrCat("the server told of no doorbell ", peer, ":", vector,
                                          "; it has told of the peers",
                                          others.empty() ? " (none)" : others, "."));
}

// The own doorbells come last, so with the first of them all of the others are known.
absl::StatusOr<UniqueFd> ServerPeer::Find(uint32_t peer, uint32_t vector) {
  const int64_t end_ns = MonotonicNs() + patience_.answer_ns;
  while (peer == Id() || messages_.OwnVectors() == 0) {
    absl::StatusOr<std::optional<Doorbell>> message = NextOfMany(end_ns);
    if (absl::IsDeadlineExceeded(message.status())) break;
    if (!message.ok()) return message.status();
    std::optional<Doorbell>& doorbell = *message;
    if (!doorbell || doorbell->peer != peer || doorbell->vector != vector) continue;
    const absl::Status status = MakeNonBlockingEventfd(doorbell->eventfd.Get());
    if (!status.ok()) return status;
    return std::move(doorbell->eventfd);
  }
  return NoSuchDoorbell(peer, vector);
}

absl::Status ServerPeer::Ring(uint32_t peer, uint32_t vector) {
  const absl::StatusOr<UniqueFd> eventfd = Find(peer, vector);
  if (!eventfd.ok()) return eventfd.status();
  RingEventfd(eventfd->Get());
  return absl::OkStatus();
}

absl::Status ServerPeer::Listen(uint32_t vector) {
  absl::StatusOr<UniqueFd> eventfd = Find(Id(), vector);
  if (!eventfd.ok()) return eventfd.status();
  heard_ = *std::move(eventfd);
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> ServerPeer::Await(int64_t timeout_ns) {
  const int64_t end_ns = MonotonicNs() + timeout_ns;
  while (true) {
    pollfd inputs[] = {{.fd = heard_.Get(), .events = POLLIN, .revents = 0},
                       {.fd = socket_.Get(), .events = POLLIN, .revents = 0}};
    const int64_t left_ns = std::max<int64_t>(end_ns - MonotonicNs(), 0);
    AwaitInput(inputs, left_ns);
    eventfd_t rings = 0;
    if (inputs[0].revents != 0 && eventfd_read(heard_.Get(), &rings) == 0) return rings;
    // Who comes and goes has to be read, or a server could wait for us.
    if (inputs[1].revents != 0) {
      const absl::StatusOr<std::optional<Doorbell>> message = Next(0);
      if (!message.ok()) return message.status();
    }
    // Also when it goes on telling.
    if (left_ns == 0) return 0;
  }
}

absl::StatusOr<std::string> ServerPeer::Describe() {
  const int64_t end_ns = MonotonicNs() + patience_.answer_ns;
  absl::StatusOr<std::optional<Doorbell>> message;
  do {
    message = NextOfMany(end_ns);
  } while (message.ok());
  if (!absl::IsDeadlineExceeded(message.status())) return message.status();
  std::string text = absl::StrCat("vectors ", messages_.OwnVectors(), "\npeers");
  for (const auto& [peer, count] : messages_.Others()) absl::StrAppend(&text, " ", peer);
  return absl::StrCat(text, messages_.Others().empty() ? " none\n" : "\n");
}

}  // namespace tombolo::control

// ServerPeer: a process of the host as a client of an ivshmem server's socket: QEMU's example
// server, tombolod, or any other that speaks the protocol.
//
// It is one more peer for as long as it lives: the server gives it an ID, and tells the others of
// its coming and, tombolod excepted, of its going. Descriptors of doorbells that nobody asked for
// are closed as they come, so that a large server costs no more of them than a small one.
//
// What it assumes of the server: nothing but that it does not make the memory smaller, which would
// end this process with SIGBUS. It may send what it likes, or nothing, or go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/ivshmem_peer/ivshmem_peer.h"
#include "control/ivshmem_peer/server_messages.h"
#include "transport/base/memory_type.h"
#include "transport/base/unique_fd.h"
#include "transport/base/units.h"
#include "transport/device/mapping.h"

namespace tombolo::control {

class ServerPeer final : public IvshmemPeer {
 public:
  struct Patience {
    // For each of what has to come, version, ID and memory; and for all that is told of peers.
    int64_t answer_ns = 10 * kNsPerSecond;
    // A server that said nothing for so long has said all: of vectors, as their number is not told.
    int64_t quiet_ns = kNsPerSecond;
  };

  // Joins the server at `socket`. Unavailable: there is none, or it says nothing; else what
  // ServerMessages says.
  static absl::StatusOr<std::unique_ptr<ServerPeer>> Join(const std::string& socket,
                                                          Patience patience);
  static absl::StatusOr<std::unique_ptr<ServerPeer>> Join(const std::string& socket) {
    return Join(socket, Patience());
  }

  uint32_t Id() const override { return messages_.OwnId(); }
  absl::StatusOr<std::span<std::byte>> Memory(Access access) override;
  MemoryType Type() const override { return MemoryType::kWriteBack; }

  // SUBTLE: of Ring(), Listen() and Describe() one may be called, and once: what they read of the
  // handshake is not told again.
  absl::Status Ring(uint32_t peer, uint32_t vector) override;
  absl::Status Listen(uint32_t vector) override;
  absl::StatusOr<std::string> Describe() override;

  absl::StatusOr<uint64_t> Await(int64_t timeout_ns) override;

 private:
  using Doorbell = ServerMessages::Doorbell;

  ServerPeer(UniqueFd socket, Patience patience)
      : socket_(std::move(socket)), patience_(patience) {}

  absl::Status SetUp();

  // The next message, which may be none of a doorbell; DeadlineExceeded: none within `timeout_ns`.
  absl::StatusOr<std::optional<Doorbell>> Next(int64_t timeout_ns);

  // The same of a handshake that has to end by `end_ns`; DeadlineExceeded: it has ended.
  absl::StatusOr<std::optional<Doorbell>> NextOfMany(int64_t end_ns);
  absl::StatusOr<UniqueFd> Find(uint32_t peer, uint32_t vector);
  absl::Status NoSuchDoorbell(uint32_t peer, uint32_t vector) const;

  UniqueFd socket_;
  Patience patience_;
  ServerMessages messages_;
  Mapping mapping_;
  UniqueFd heard_;  // The own doorbell of Listen().
};

}  // namespace tombolo::control

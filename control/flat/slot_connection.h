// SlotConnection: a virtual machine's end of its connection to the ivshmem server
// (control/ivshmem_server/handshake.h), for machines whose monitor has no such device, or gets what
// was said by another way.
//
// The socket is what holds the slot: whoever has a descriptor of it is the machine, as the daemon
// sees it, and the slot is vacated when the last one is closed. Nothing is ever said over it.
// Thread safety: none.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"
#include "transport/device/mapping.h"
#include "transport/region/region.h"

namespace tombolo::control {

class SlotConnection {
 public:
  // Connects to the server's socket at `path` and takes its whole handshake. Errors as ConnectUnix;
  // FailedPrecondition: the slot is taken, or what was said is no handshake of a region.
  static absl::StatusOr<SlotConnection> Take(const std::string& path);

  uint16_t Slot() const { return slot_; }
  const Region& SharedRegion() const { return *region_; }
  int MemoryFd() const { return memory_fd_; }
  int Socket() const { return socket_.Get(); }

  // The eventfd of (slot, vector); -1: there is none.
  int Doorbell(int64_t slot, uint16_t vector) const;

  // A socket that says the same handshake once more, for a device that is to take it itself.
  // ResourceExhausted: its buffer cannot hold all of it.
  absl::StatusOr<UniqueFd> Repeat() const;

 private:
  struct Said {
    int64_t value = 0;
    UniqueFd fd;
  };

  explicit SlotConnection(UniqueFd socket) : socket_(std::move(socket)) {}
  absl::Status TakeNext();
  absl::Status TakeGreeting();
  absl::Status MapRegion();

  UniqueFd socket_;
  std::vector<Said> said_;
  uint16_t slot_ = 0;
  int memory_fd_ = -1;  // One of said_.
  Mapping memory_;
  std::unique_ptr<Region> region_;
};

}  // namespace tombolo::control

// V2Server: serves ivshmem v2 devices of one memory to QEMUs, by vfio-user: for each peer a socket
// at which its QEMU finds its device. What the devices do is in v2_bus.h.
//
// A peer whose QEMU closes its socket, is killed, or says what makes no sense is disconnected: its
// state is 0 and the others are told; its socket waits for the next QEMU. A second QEMU at a socket
// is hung up on, and both are logged. Nobody else notices anything.
//
// The memory is a sealed memfd and goes with the server: QEMUs of a server that was killed read
// ones in the registers, and need their device unplugged and plugged in again at the next server.
//
// Thread safety: the loop's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/event_loop/event_loop.h"
#include "control/ivshmem_server/slot_listener.h"
#include "control/ivshmem_v2/peer_device.h"
#include "control/ivshmem_v2/v2_bus.h"
#include "control/vfio_user/connection.h"
#include "transport/base/unique_fd.h"
#include "transport/device/mapping.h"
#include "transport/device/v2/v2_sections.h"

namespace tombolo::control {

struct V2ServerOptions {
  std::string folder;  // Of the sockets; must be there.
  V2Sections sections;
  std::vector<uint16_t> protocols = {};  // As V2Bus has them.
  uint16_t vectors = 2;
  V2Mappable mappable = V2Mappable::kOwnSections;
};

class V2Server {
 public:
  // ResourceExhausted when the memory is not there; errors of sockets as ListenUnix.
  static absl::StatusOr<std::unique_ptr<V2Server>> Start(EventLoop& loop,
                                                         const V2ServerOptions& options);
  V2Server(const V2Server&) = delete;
  V2Server& operator=(const V2Server&) = delete;

  static std::string SocketPath(const std::string& folder, uint32_t peer);

  const V2Bus& Bus() const { return *bus_; }
  void RemoveSocketFiles() const;

 private:
  struct Peer {
    std::unique_ptr<PeerDevice> device;
    std::unique_ptr<SlotListener> listener;
    std::unique_ptr<vfio_user::Connection> connection;
  };

  V2Server(EventLoop& loop, const V2ServerOptions& options, UniqueFd memory_fd, Mapping memory);
  absl::Status Listen();
  void OnAccept(uint32_t peer, UniqueFd socket);
  void OnEnd(uint32_t peer, const absl::Status& status);

  EventLoop& loop_;
  const V2ServerOptions options_;
  const UniqueFd memory_fd_;
  const Mapping memory_;
  std::vector<Peer> peers_;
  std::unique_ptr<V2Bus> bus_;
};

}  // namespace tombolo::control

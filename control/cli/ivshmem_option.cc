#include "control/cli/ivshmem_option.h"

#include "control/agent/device_choice.h"
#include "control/ivshmem_peer/server_peer.h"
#include "transport/device/vfio/system_paths.h"

namespace tombolo::control {

void AddIvshmemOptions(CLI::App& command, IvshmemFlags& flags) {
  CLI::Option* server =
      command
          .add_option("--ivshmem-server", flags.server,
                      "On the host, without Tombolo: as a peer of the ivshmem server at this "
                      "socket, QEMU's example server or any other")
          ->option_text("SOCKET");
  command
      .add_option("--ivshmem-device", flags.device,
                  "In a guest, without Tombolo: through this ivshmem device, auto or as "
                  "tombolo-agent --device has it")
      ->option_text("DEVICE")
      ->excludes(server);
}

absl::StatusOr<std::unique_ptr<IvshmemPeer>> JoinIvshmem(const IvshmemFlags& flags,
                                                         Interrupts interrupts) {
  if (!flags.server.empty()) return ServerPeer::Join(flags.server);
  return OpenDevicePeer(SystemPaths(), ParseDeviceChoice(flags.device), interrupts);
}

}  // namespace tombolo::control

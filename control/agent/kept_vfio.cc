#include "control/agent/kept_vfio.h"

#include <array>

#include "control/agent/kept_descriptors.h"
#include "control/agent/open_kept.h"
#include "transport/device/vfio/vfio_pci_device.h"
#include "transport/endpoint/broker_protocol.h"

namespace tombolo::control {
namespace {

struct VfioWay {
  using Device = VfioPciDevice;
  using Descriptors = VfioPciDescriptors;

  static constexpr const char* kNames[] = {"device/container", "device/group", "device/device"};

  static Descriptors Take(NamedDescriptors& inherited) {
    return {.vfio = {TakeOut(inherited, kNames[0]), TakeOut(inherited, kNames[1]),
                     TakeOut(inherited, kNames[2])},
            .eventfds = {}};
  }
  static std::array<int, 3> Fds(const Descriptors& kept) {
    return {kept.vfio.container.Get(), kept.vfio.group.Get(), kept.vfio.device.Get()};
  }
  static void Describe(Device& device, AgentDevice& into) {
    into.memory.memory = BrokerMemory::kVfioDevice;
    into.memory.memory_bytes = device.Windows().memory_bytes;
    into.memory.memory_offset = device.Windows().memory_offset;
    into.memory.registers_offset = device.Windows().registers_offset;
    into.memory.memory_fd = device.DeviceFd();
  }
};

}  // namespace

absl::StatusOr<KeptDevice> OpenKeptVfio(const SystemPaths& paths, const std::string& wanted,
                                        DescriptorStore& store, NamedDescriptors& inherited) {
  return OpenKept<VfioWay>(paths, wanted, store, inherited);
}

}  // namespace tombolo::control

#include "control/agent/kept_devmem.h"

#include <array>

#include "control/agent/kept_descriptors.h"
#include "control/agent/open_kept.h"
#include "transport/device/devmem/devmem_pci_device.h"
#include "transport/endpoint/broker_protocol.h"

namespace tombolo::control {
namespace {

struct DevmemWay {
  using Device = DevmemPciDevice;
  using Descriptors = DevmemDescriptors;

  static constexpr const char* kNames[] = {"device/memory", "device/lock"};

  static Descriptors Take(NamedDescriptors& inherited) {
    return {.memory = TakeOut(inherited, kNames[0]),
            .lock = TakeOut(inherited, kNames[1]),
            .eventfds = {}};
  }
  static std::array<int, 2> Fds(const Descriptors& kept) {
    return {kept.memory.Get(), kept.lock.Get()};
  }
  static void Describe(Device& device, AgentDevice& into) {
    into.interrupts = false;
    into.for_root_only = true;
    // A file that has both BARs, as that of vfio has: endpoints map it in the same way.
    into.memory.memory = BrokerMemory::kVfioDevice;
    into.memory.memory_bytes = device.Windows().memory_bytes;
    into.memory.memory_offset = device.Windows().memory_offset;
    into.memory.registers_offset = device.Windows().registers_offset;
    into.memory.memory_fd = device.Descriptors().memory.Get();
  }
};

}  // namespace

absl::StatusOr<KeptDevice> OpenKeptDevmem(const SystemPaths& paths, const std::string& wanted,
                                          DescriptorStore& store, NamedDescriptors& inherited) {
  return OpenKept<DevmemWay>(paths, wanted, store, inherited);
}

}  // namespace tombolo::control

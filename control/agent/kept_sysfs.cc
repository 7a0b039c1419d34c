#include "control/agent/kept_sysfs.h"

#include <array>

#include "control/agent/kept_descriptors.h"
#include "control/agent/open_kept.h"
#include "transport/device/sysfs/sysfs_pci_device.h"
#include "transport/endpoint/broker_protocol.h"

namespace tombolo::control {
namespace {

struct SysfsWay {
  using Device = SysfsPciDevice;
  using Descriptors = SysfsDescriptors;

  static constexpr const char* kNames[] = {"device/memory", "device/registers"};

  static Descriptors Take(NamedDescriptors& inherited) {
    return {.memory = TakeOut(inherited, kNames[0]),
            .registers = TakeOut(inherited, kNames[1]),
            .eventfds = {}};
  }
  static std::array<int, 2> Fds(const Descriptors& kept) {
    return {kept.memory.Get(), kept.registers.Get()};
  }
  static void Describe(Device& device, AgentDevice& into) {
    into.interrupts = false;
    into.memory.memory = BrokerMemory::kSysfs;
    into.memory.memory_bytes = device.Memory().size();
    into.memory.registers_offset = device.RegistersOffset();
    into.memory.memory_fd = device.Descriptors().memory.Get();
    into.memory.registers_fd = device.Descriptors().registers.Get();
  }
};

}  // namespace

absl::StatusOr<KeptDevice> OpenKeptSysfs(const SystemPaths& paths, const std::string& wanted,
                                         DescriptorStore& store, NamedDescriptors& inherited) {
  return OpenKept<SysfsWay>(paths, wanted, store, inherited);
}

}  // namespace tombolo::control

#include "control/agent/kept_sysfs.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "control/agent/kept_descriptors.h"
#include "transport/device/sysfs/sysfs_pci_device.h"
#include "transport/endpoint/broker_protocol.h"

namespace tombolo::control {
namespace {

constexpr char kMemory[] = "device/memory";
constexpr char kRegisters[] = "device/registers";

SysfsDescriptors TakeDescriptors(NamedDescriptors& inherited) {
  return {.memory = TakeOut(inherited, kMemory),
          .registers = TakeOut(inherited, kRegisters),
          .eventfds = TakeVectors(inherited)};
}

absl::Status Keep(const SysfsDescriptors& descriptors, DescriptorStore& store) {
  const int memory = descriptors.memory.Get();
  if (auto status = store.Store(kMemory, memory); !status.ok()) return status;
  if (auto status = store.Store(kRegisters, descriptors.registers.Get()); !status.ok()) {
    return status;
  }
  if (auto status = KeepVectors(descriptors.eventfds, store); !status.ok()) return status;
  return store.Store(kKeptComplete, memory);
}

absl::StatusOr<std::unique_ptr<SysfsPciDevice>> OpenDevice(const SystemPaths& paths,
                                                           const std::string& wanted,
                                                           DescriptorStore& store,
                                                           NamedDescriptors& inherited) {
  const bool complete = TakeOut(inherited, kKeptComplete).IsOpen();
  SysfsDescriptors kept = TakeDescriptors(inherited);
  if (complete) {
    auto adopted = SysfsPciDevice::Adopt(std::move(kept));
    // Not found: it was unplugged, which has ended the predecessor. There may be another by now.
    if (!absl::IsNotFound(adopted.status())) return adopted;
  }
  // SUBTLE: what the holder keeps of a predecessor that died in between, or whose device is gone,
  // would be taken for all of a device by the next one, and keep its lock.
  for (const char* name : {kKeptComplete, kMemory, kRegisters}) store.Remove(name).IgnoreError();
  kept = SysfsDescriptors();
  auto device = SysfsPciDevice::Open(paths, wanted);
  if (!device.ok()) return device.status();
  if (auto status = Keep((*device)->Descriptors(), store); !status.ok()) return status;
  return device;
}

AgentDevice Describe(SysfsPciDevice& device) {
  AgentDevice described;
  described.device = &device;
  described.slot = device.Slot();
  described.eventfds = Raw(device.Descriptors().eventfds);
  described.interrupts = false;
  described.memory.memory = BrokerMemory::kSysfs;
  described.memory.memory_bytes = device.Memory().size();
  described.memory.registers_offset = device.RegistersOffset();
  described.memory.memory_fd = device.Descriptors().memory.Get();
  described.memory.registers_fd = device.Descriptors().registers.Get();
  return described;
}

}  // namespace

absl::StatusOr<KeptDevice> OpenKeptSysfs(const SystemPaths& paths, const std::string& wanted,
                                         DescriptorStore& store, NamedDescriptors& inherited) {
  auto device = OpenDevice(paths, wanted, store, inherited);
  if (!device.ok()) return device.status();
  AgentDevice described = Describe(**device);
  return KeptDevice{*std::move(device), std::move(described)};
}

}  // namespace tombolo::control

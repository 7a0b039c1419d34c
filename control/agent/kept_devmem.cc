#include "control/agent/kept_devmem.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "control/agent/kept_descriptors.h"
#include "transport/device/devmem/devmem_pci_device.h"
#include "transport/endpoint/broker_protocol.h"

namespace tombolo::control {
namespace {

constexpr char kMemory[] = "device/memory";
constexpr char kLock[] = "device/lock";

DevmemDescriptors TakeDescriptors(NamedDescriptors& inherited) {
  return {.memory = TakeOut(inherited, kMemory),
          .lock = TakeOut(inherited, kLock),
          .eventfds = TakeVectors(inherited)};
}

absl::Status Keep(const DevmemDescriptors& descriptors, DescriptorStore& store) {
  const int lock = descriptors.lock.Get();
  if (auto status = store.Store(kMemory, descriptors.memory.Get()); !status.ok()) return status;
  if (auto status = store.Store(kLock, lock); !status.ok()) return status;
  if (auto status = KeepVectors(descriptors.eventfds, store); !status.ok()) return status;
  return store.Store(kKeptComplete, lock);
}

absl::StatusOr<std::unique_ptr<DevmemPciDevice>> OpenDevice(const SystemPaths& paths,
                                                            const std::string& wanted,
                                                            DescriptorStore& store,
                                                            NamedDescriptors& inherited) {
  const bool complete = TakeOut(inherited, kKeptComplete).IsOpen();
  DevmemDescriptors kept = TakeDescriptors(inherited);
  if (complete) {
    auto adopted = DevmemPciDevice::Adopt(std::move(kept));
    // Not found: it was unplugged, which has ended the predecessor. There may be another by now.
    if (!absl::IsNotFound(adopted.status())) return adopted;
  }
  // SUBTLE: as in OpenKeptSysfs(): what is kept of a predecessor that died in between would be
  // taken for all of a device, and keep its lock.
  for (const char* name : {kKeptComplete, kMemory, kLock}) store.Remove(name).IgnoreError();
  kept = DevmemDescriptors();
  auto device = DevmemPciDevice::Open(paths, wanted);
  if (!device.ok()) return device.status();
  if (auto status = Keep((*device)->Descriptors(), store); !status.ok()) return status;
  return device;
}

AgentDevice Describe(DevmemPciDevice& device) {
  AgentDevice described;
  described.device = &device;
  described.slot = device.Slot();
  described.eventfds = Raw(device.Descriptors().eventfds);
  described.interrupts = false;
  described.for_root_only = true;
  // A file that has both BARs, as that of vfio has: endpoints map it in the same way.
  described.memory.memory = BrokerMemory::kVfioDevice;
  described.memory.memory_bytes = device.Windows().memory_bytes;
  described.memory.memory_offset = device.Windows().memory_offset;
  described.memory.registers_offset = device.Windows().registers_offset;
  described.memory.memory_fd = device.Descriptors().memory.Get();
  return described;
}

}  // namespace

absl::StatusOr<KeptDevice> OpenKeptDevmem(const SystemPaths& paths, const std::string& wanted,
                                          DescriptorStore& store, NamedDescriptors& inherited) {
  auto device = OpenDevice(paths, wanted, store, inherited);
  if (!device.ok()) return device.status();
  AgentDevice described = Describe(**device);
  return KeptDevice{*std::move(device), std::move(described)};
}

}  // namespace tombolo::control

#include "control/agent/kept_vfio.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "control/agent/kept_descriptors.h"
#include "transport/device/vfio/vfio_pci_device.h"
#include "transport/endpoint/broker_protocol.h"

namespace tombolo::control {
namespace {

constexpr char kContainer[] = "device/container";
constexpr char kGroup[] = "device/group";
constexpr char kDevice[] = "device/device";

VfioPciDescriptors TakeDescriptors(NamedDescriptors& inherited) {
  return {.vfio = {TakeOut(inherited, kContainer), TakeOut(inherited, kGroup),
                   TakeOut(inherited, kDevice)},
          .eventfds = TakeVectors(inherited)};
}

absl::Status Keep(const VfioPciDescriptors& descriptors, DescriptorStore& store) {
  const VfioDescriptors& vfio = descriptors.vfio;
  if (auto status = store.Store(kContainer, vfio.container.Get()); !status.ok()) return status;
  if (auto status = store.Store(kGroup, vfio.group.Get()); !status.ok()) return status;
  if (auto status = store.Store(kDevice, vfio.device.Get()); !status.ok()) return status;
  if (auto status = KeepVectors(descriptors.eventfds, store); !status.ok()) return status;
  return store.Store(kKeptComplete, vfio.device.Get());
}

absl::StatusOr<std::unique_ptr<VfioPciDevice>> OpenDevice(const SystemPaths& paths,
                                                          const std::string& wanted,
                                                          DescriptorStore& store,
                                                          NamedDescriptors& inherited) {
  const bool complete = TakeOut(inherited, kKeptComplete).IsOpen();
  VfioPciDescriptors kept = TakeDescriptors(inherited);
  if (complete) return VfioPciDevice::Adopt(std::move(kept));
  // SUBTLE: a predecessor that died in between left some of it with the holder, which would keep
  // the group busy for ever.
  for (const char* name : {kContainer, kGroup, kDevice}) store.Remove(name).IgnoreError();
  kept = VfioPciDescriptors();
  auto device = VfioPciDevice::Open(paths, wanted);
  if (!device.ok()) return device.status();
  if (auto status = Keep((*device)->Descriptors(), store); !status.ok()) return status;
  return device;
}

AgentDevice Describe(VfioPciDevice& device) {
  AgentDevice described;
  described.device = &device;
  described.slot = device.Slot();
  described.eventfds = Raw(device.Descriptors().eventfds);
  described.memory.memory = BrokerMemory::kVfioDevice;
  described.memory.memory_bytes = device.Windows().memory_bytes;
  described.memory.memory_offset = device.Windows().memory_offset;
  described.memory.registers_offset = device.Windows().registers_offset;
  described.memory.memory_fd = device.DeviceFd();
  return described;
}

}  // namespace

absl::StatusOr<KeptDevice> OpenKeptVfio(const SystemPaths& paths, const std::string& wanted,
                                        DescriptorStore& store, NamedDescriptors& inherited) {
  auto device = OpenDevice(paths, wanted, store, inherited);
  if (!device.ok()) return device.status();
  AgentDevice described = Describe(**device);
  return KeptDevice{*std::move(device), std::move(described)};
}

}  // namespace tombolo::control

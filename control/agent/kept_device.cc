#include "control/agent/kept_device.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tombolo::control {
namespace {

constexpr char kContainer[] = "device/container";
constexpr char kGroup[] = "device/group";
constexpr char kDevice[] = "device/device";
// Stored last: when it is there, all of the device is.
constexpr char kComplete[] = "device/complete";

std::string VectorName(size_t vector) { return absl::StrCat("device/vector/", vector); }

VfioPciDescriptors TakeDescriptors(NamedDescriptors& inherited) {
  VfioPciDescriptors descriptors;
  descriptors.vfio = {TakeOut(inherited, kContainer), TakeOut(inherited, kGroup),
                      TakeOut(inherited, kDevice)};
  while (true) {
    UniqueFd eventfd = TakeOut(inherited, VectorName(descriptors.eventfds.size()));
    if (!eventfd.IsOpen()) return descriptors;
    descriptors.eventfds.push_back(std::move(eventfd));
  }
}

absl::Status Keep(const VfioPciDescriptors& descriptors, DescriptorStore& store) {
  const VfioDescriptors& vfio = descriptors.vfio;
  if (auto status = store.Store(kContainer, vfio.container.Get()); !status.ok()) return status;
  if (auto status = store.Store(kGroup, vfio.group.Get()); !status.ok()) return status;
  if (auto status = store.Store(kDevice, vfio.device.Get()); !status.ok()) return status;
  for (size_t i = 0; i < descriptors.eventfds.size(); ++i) {
    auto status = store.Store(VectorName(i), descriptors.eventfds[i].Get());
    if (!status.ok()) return status;
  }
  return store.Store(kComplete, vfio.device.Get());
}

}  // namespace

absl::StatusOr<std::unique_ptr<VfioPciDevice>> OpenKeptDevice(const SystemPaths& paths,
                                                              std::string_view wanted,
                                                              DescriptorStore& store,
                                                              NamedDescriptors& inherited) {
  const bool complete = TakeOut(inherited, kComplete).IsOpen();
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
  for (uint16_t vector = 0; vector < device.VectorCount(); ++vector) {
    described.eventfds.push_back(device.Eventfd(vector));
  }
  described.memory.memory = BrokerMemory::kVfioDevice;
  described.memory.memory_bytes = device.Windows().memory_bytes;
  described.memory.memory_offset = device.Windows().memory_offset;
  described.memory.registers_offset = device.Windows().registers_offset;
  described.memory.memory_fd = device.DeviceFd();
  return described;
}

}  // namespace tombolo::control

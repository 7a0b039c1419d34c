#include "control/agent/kept_module.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "control/agent/kept_descriptors.h"
#include "transport/device/module/module_pci_device.h"
#include "transport/endpoint/broker_protocol.h"

namespace tombolo::control {
namespace {

constexpr char kOwn[] = "device/own";
constexpr char kEndpoints[] = "device/endpoints";

ModuleDescriptors TakeDescriptors(NamedDescriptors& inherited) {
  return {.own = TakeOut(inherited, kOwn),
          .endpoints = TakeOut(inherited, kEndpoints),
          .eventfds = TakeVectors(inherited)};
}

absl::Status Keep(const ModuleDescriptors& descriptors, DescriptorStore& store) {
  const int own = descriptors.own.Get();
  if (auto status = store.Store(kOwn, own); !status.ok()) return status;
  if (auto status = store.Store(kEndpoints, descriptors.endpoints.Get()); !status.ok()) {
    return status;
  }
  if (auto status = KeepVectors(descriptors.eventfds, store); !status.ok()) return status;
  return store.Store(kKeptComplete, own);
}

absl::StatusOr<std::unique_ptr<ModulePciDevice>> OpenDevice(const SystemPaths& paths,
                                                            const std::string& wanted,
                                                            DescriptorStore& store,
                                                            NamedDescriptors& inherited) {
  const bool complete = TakeOut(inherited, kKeptComplete).IsOpen();
  ModuleDescriptors kept = TakeDescriptors(inherited);
  if (complete) {
    auto adopted = ModulePciDevice::Adopt(std::move(kept));
    // Not found: it was unplugged, which has ended the predecessor. There may be another by now.
    if (!absl::IsNotFound(adopted.status())) return adopted;
  }
  // SUBTLE: what the holder keeps of a predecessor that died in between, or whose device is gone,
  // would be taken for all of a device by the next one, and keep its lock.
  for (const char* name : {kKeptComplete, kOwn, kEndpoints}) store.Remove(name).IgnoreError();
  kept = ModuleDescriptors();
  auto device = ModulePciDevice::Open(paths, wanted);
  if (!device.ok()) return device.status();
  if (auto status = Keep((*device)->Descriptors(), store); !status.ok()) return status;
  return device;
}

AgentDevice Describe(ModulePciDevice& device) {
  AgentDevice described;
  described.device = &device;
  described.slot = device.Slot();
  described.eventfds = Raw(device.Descriptors().eventfds);
  described.memory.memory = BrokerMemory::kModule;
  described.memory.memory_bytes = device.Memory().size();
  described.memory.memory_fd = device.Descriptors().endpoints.Get();
  return described;
}

}  // namespace

bool IsKeptModule(const NamedDescriptors& inherited) { return inherited.contains(kOwn); }

absl::StatusOr<KeptDevice> OpenKeptModule(const SystemPaths& paths, const std::string& wanted,
                                          DescriptorStore& store, NamedDescriptors& inherited) {
  auto device = OpenDevice(paths, wanted, store, inherited);
  if (!device.ok()) return device.status();
  AgentDevice described = Describe(**device);
  return KeptDevice{*std::move(device), std::move(described)};
}

}  // namespace tombolo::control

#include "control/agent/kept_module.h"

#include <array>

#include "control/agent/kept_descriptors.h"
#include "control/agent/open_kept.h"
#include "transport/device/module/module_pci_device.h"
#include "transport/endpoint/broker_protocol.h"

namespace tombolo::control {
namespace {

struct ModuleWay {
  using Device = ModulePciDevice;
  using Descriptors = ModuleDescriptors;

  static constexpr const char* kNames[] = {"device/own", "device/endpoints"};

  static Descriptors Take(NamedDescriptors& inherited) {
    return {.own = TakeOut(inherited, kNames[0]),
            .endpoints = TakeOut(inherited, kNames[1]),
            .eventfds = {}};
  }
  static std::array<int, 2> Fds(const Descriptors& kept) {
    return {kept.own.Get(), kept.endpoints.Get()};
  }
  static void Describe(Device& device, AgentDevice& into) {
    into.memory.memory = BrokerMemory::kModule;
    into.memory.memory_bytes = device.Memory().size();
    into.memory.memory_fd = device.Descriptors().endpoints.Get();
  }
};

}  // namespace

bool IsKeptModule(const NamedDescriptors& inherited) {
  return inherited.contains(ModuleWay::kNames[0]);
}

absl::StatusOr<KeptDevice> OpenKeptModule(const SystemPaths& paths, const std::string& wanted,
                                          DescriptorStore& store, NamedDescriptors& inherited) {
  return OpenKept<ModuleWay>(paths, wanted, store, inherited);
}

}  // namespace tombolo::control

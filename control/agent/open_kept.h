// OpenKept(): what all ways to a device (kept_vfio.h and those beside it) have in common of being
// kept: taken over whole, or opened and stored, the mark that it is whole last.
//
// A `Way` says what is its own:
//   using Device              one of transport/device; makes Adopt(), Open() and Descriptors()
//   using Descriptors         its descriptors; the eventfds of the own vectors are `eventfds`
//   kNames                    what the others are called in the store
//   Take(inherited)           those others, out of what was inherited
//   Fds(descriptors)          the same, in the order of kNames
//   Describe(device, into)    what endpoints are told of it
#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/agent/kept_descriptors.h"
#include "control/agent/kept_device.h"
#include "control/holder/descriptor_store.h"
#include "transport/device/vfio/system_paths.h"

namespace tombolo::control {

template <typename Way>
absl::Status Keep(const typename Way::Descriptors& descriptors, DescriptorStore& store) {
  const auto fds = Way::Fds(descriptors);
  static_assert(fds.size() == std::size(Way::kNames));
  for (size_t i = 0; i < fds.size(); ++i) {
    if (auto status = store.Store(Way::kNames[i], fds[i]); !status.ok()) return status;
  }
  if (auto status = KeepVectors(descriptors.eventfds, store); !status.ok()) return status;
  return store.Store(kKeptComplete, fds[0]);
}

template <typename Way>
absl::StatusOr<std::unique_ptr<typename Way::Device>> AdoptOrOpen(const SystemPaths& paths,
                                                                  const std::string& wanted,
                                                                  DescriptorStore& store,
                                                                  NamedDescriptors& inherited) {
  const bool is_complete = TakeOut(inherited, kKeptComplete).IsOpen();
  typename Way::Descriptors kept = Way::Take(inherited);
  kept.eventfds = TakeVectors(inherited);
  if (is_complete) {
    auto adopted = Way::Device::Adopt(std::move(kept));
    // Not found: it was unplugged, which has ended the predecessor. There may be another by now.
    if (!absl::IsNotFound(adopted.status())) return adopted;
  }
  // SUBTLE: what the holder keeps of a predecessor that died in between, or whose device is gone,
  // would be taken for all of a device by the next one, and keep its lock.
  store.Remove(kKeptComplete).IgnoreError();
  for (const char* name : Way::kNames) store.Remove(name).IgnoreError();
  kept = typename Way::Descriptors();
  auto device = Way::Device::Open(paths, wanted);
  if (!device.ok()) return device.status();
  if (auto status = Keep<Way>((*device)->Descriptors(), store); !status.ok()) return status;
  return device;
}

template <typename Way>
absl::StatusOr<KeptDevice> OpenKept(const SystemPaths& paths, const std::string& wanted,
                                    DescriptorStore& store, NamedDescriptors& inherited) {
  auto device = AdoptOrOpen<Way>(paths, wanted, store, inherited);
  if (!device.ok()) return device.status();
  KeptDevice kept;
  kept.described.device = device->get();
  kept.described.slot = (*device)->Slot();
  kept.described.eventfds = Raw((*device)->Descriptors().eventfds);
  Way::Describe(**device, kept.described);
  kept.device = *std::move(device);
  return kept;
}

}  // namespace tombolo::control

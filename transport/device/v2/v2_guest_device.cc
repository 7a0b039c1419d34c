#include "transport/device/v2/v2_guest_device.h"

#include <string>

#include "transport/device/module/module_setup.h"
#include "transport/device/v2/v2_finder.h"
#include "transport/device/v2/v2_module_device.h"
#include "transport/device/v2/v2_pci_device.h"

namespace tombolo {

absl::StatusOr<std::unique_ptr<V2GuestDevice>> V2GuestDevice::Open(const SystemPaths& paths,
                                                                   std::string_view wanted) {
  const absl::StatusOr<std::string> address = FindV2Pci(paths, wanted);
  if (!address.ok()) return address.status();
  if (!FindModuleName(paths, *address).empty()) return V2ModuleDevice::Open(paths, *address);
  return V2PciDevice::Open(paths, *address);
}

}  // namespace tombolo

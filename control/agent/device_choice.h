// DeviceChoice: what --device says: which ivshmem device, and by which way into it.
#pragma once

#include <string>
#include <string_view>

namespace tombolo::control {

enum class DeviceWay {
  kVfio,   // Through vfio-pci: interrupts, but the guest needs an IOMMU.
  kSysfs,  // Through files of sysfs, without any driver: nothing interrupts, so the agent looks.
};

struct DeviceChoice {
  DeviceWay way = DeviceWay::kVfio;
  std::string address;  // Of the PCI device, unchecked, or "auto".
};

// "auto" or an address: through vfio. "vfio" and "sysfs" name the way, and may be followed by a
// colon and an address. Whatever it is else is taken for an address, which nobody will find.
DeviceChoice ParseDeviceChoice(std::string_view text);

}  // namespace tombolo::control

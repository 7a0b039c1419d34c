// DeviceChoice: what --device says: which ivshmem device, and by which way into it.
#pragma once

#include <string>
#include <string_view>

namespace tombolo::control {

enum class DeviceWay {
  kAny,     // Through the kernel module if it has the device, else through vfio.
  kVfio,    // Through vfio-pci: interrupts, but the guest needs an IOMMU.
  kModule,  // Through the kernel module (guest/module): interrupts, cached, no IOMMU.
  kSysfs,   // Through files of sysfs, without any driver: nothing interrupts, so the agent looks.
  kDevmem,  // The same through /dev/mem, for root only: may be cached where sysfs is not.
};

struct DeviceChoice {
  DeviceWay way = DeviceWay::kAny;
  std::string address;  // Of the PCI device, unchecked, or "auto".
};

// "auto" or an address: by any way. "vfio", "module", "sysfs" and "mem" name the way, and may be
// followed by a colon and an address. Whatever it is else is taken for an address, which nobody
// will find.
DeviceChoice ParseDeviceChoice(std::string_view text);

}  // namespace tombolo::control

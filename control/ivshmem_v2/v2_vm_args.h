// What QEMU must be told so that a virtual machine has an ivshmem v2 device. Pure text.
#pragma once

#include <string>

namespace tombolo::control {

// The options as words for a shell, quoted where they have to be. `socket_path`: of the peer's
// device. The machine's memory is QEMU's memfd, because vfio-user-pci takes no other, and has
// `memory`, as in "1G". Behind an IOMMU, because a guest's vfio refuses the device without one.
std::string V2VmArgs(const std::string& socket_path, const std::string& memory);

}  // namespace tombolo::control

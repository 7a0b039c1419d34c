// What QEMU or libvirt must be told so that a VM joins a region. Pure text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tombolo::control {

struct VmDevice {
  std::string socket_path;  // Of the slot, or of the lowest vacant one. Absolute.
  uint32_t vectors = 0;     // As many as the daemon gives each slot.
};

// The options, one word each, not quoted. Interrupt remapping is there because a guest's vfio-pci
// refuses a device without it.
std::vector<std::string> QemuWords(const VmDevice& device);

// The words as one line for a shell.
std::string ShellLine(const std::vector<std::string>& words);

// libvirt's element of the device alone, as `virsh attach-device` takes it.
std::string LibvirtXml(const VmDevice& device);

// What the device itself does not say: one sentence each. For whoever starts QEMU, and for whoever
// has libvirt start it.
std::vector<std::string> QemuRemarks(const VmDevice& device, uint32_t slots);
std::vector<std::string> LibvirtRemarks(const VmDevice& device, uint32_t slots);

}  // namespace tombolo::control

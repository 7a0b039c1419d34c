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

// Fragments of a libvirt domain, each under a comment that says where it belongs.
std::string LibvirtXml(const VmDevice& device);

// What the options do not say: one sentence each.
std::vector<std::string> Remarks(const VmDevice& device, uint32_t slots);

}  // namespace tombolo::control

#include "control/cli/vm_args.h"

#include <string_view>

namespace tombolo::control {
namespace {

// QEMU opens one eventfd per slot and vector; its usual limit of descriptors is 1,024.
constexpr uint32_t kSafeEventfds = 900;

// QEMU's option syntax: a comma within a value is doubled.
std::string QemuValue(std::string_view text) {
  std::string value;
  for (const char c : text) value.append(c == ',' ? 2 : 1, c);
  return value;
}

std::string XmlText(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '\'':
        escaped += "&apos;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

bool NeedsQuotes(std::string_view word) {
  constexpr std::string_view kHarmless =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,=:@%+";
  return word.empty() || word.find_first_not_of(kHarmless) != std::string_view::npos;
}

std::string ShellWord(const std::string& word) {
  if (!NeedsQuotes(word)) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

void AddCommonRemarks(std::vector<std::string>& remarks) {
  remarks.insert(remarks.end(),
                 {"The guest's kernel needs intel_iommu=on, and tombolo-agent in the guest.",
                  "Before a migration, unplug the device; plug it again afterwards."});
}

// `limit`: what raises QEMU's limit of descriptors.
void AddDescriptorRemark(const VmDevice& device, uint32_t slots, std::string_view limit,
                         std::vector<std::string>& remarks) {
  const uint64_t eventfds = uint64_t{slots} * device.vectors;
  if (eventfds <= kSafeEventfds) return;
  remarks.push_back("QEMU will hold " + std::to_string(eventfds) +
                    " eventfds: raise its limit of descriptors (" + std::string(limit) + ").");
}

}  // namespace

std::vector<std::string> QemuWords(const VmDevice& device) {
  return {"-M",       "q35,kernel-irqchip=split",
          "-device",  "intel-iommu,intremap=on",
          "-chardev", "socket,path=" + QemuValue(device.socket_path) + ",id=tombolo",
          "-device",  "ivshmem-doorbell,chardev=tombolo,vectors=" + std::to_string(device.vectors)};
}

std::string ShellLine(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + ShellWord(word);
  return line;
}

std::string LibvirtXml(const VmDevice& device) {
  return "<shmem name='tombolo'>\n"
         "  <model type='ivshmem-doorbell'/>\n"
         "  <server path='" +
         XmlText(device.socket_path) +
         "'/>\n"
         "  <msi vectors='" +
         std::to_string(device.vectors) +
         "' ioeventfd='on'/>\n"
         "</shmem>\n";
}

std::vector<std::string> QemuRemarks(const VmDevice& device, uint32_t slots) {
  std::vector<std::string> remarks = {
      "Do not add reconnect= to the chardev: QEMU then hangs at start.",
      "Without KVM give the guest -smp maxcpus=2 or more: with one possible CPU, TCG's atomics are "
      "not atomic towards other processes."};
  AddCommonRemarks(remarks);
  AddDescriptorRemark(device, slots, "ulimit -n", remarks);
  return remarks;
}

std::vector<std::string> LibvirtRemarks(const VmDevice& device, uint32_t slots) {
  std::vector<std::string> remarks = {
      "The domain also needs <ioapic driver='qemu'/> in <features>, and in <devices> "
      "<iommu model='intel'><driver intremap='on'/></iommu>: vfio-pci asks for interrupt "
      "remapping."};
  AddCommonRemarks(remarks);
  AddDescriptorRemark(device, slots, "max_files in libvirt's qemu.conf", remarks);
  return remarks;
}

}  // namespace tombolo::control

#include "transport/device/v2/v2_pci_device.h"

#include <linux/vfio.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "transport/device/register_order.h"
#include "transport/device/v2/v2_finder.h"
#include "transport/device/v2/v2_registers.h"
#include "transport/device/vfio/vfio_setup.h"

namespace tombolo {
namespace {

constexpr uint32_t kGone = 0xffffffff;
constexpr uint64_t kRegisterBytes = kV2PageBytes;

absl::StatusOr<Mapping> MapBar(int device, uint32_t index, uint64_t size_bytes) {
  const auto region = VfioRegion(device, index);
  if (!region.ok()) return region.status();
  if (region->size >= size_bytes && (region->flags & VFIO_REGION_INFO_FLAG_MMAP) != 0) {
    return Mapping::Map(device, region->offset, size_bytes);
  }
  return absl::FailedPreconditionError(
      absl::StrCat("BAR", index, " has ", region->size, " bytes, expected ", size_bytes,
                   " that can be mapped (flags ", region->flags, "). Is it an ivshmem v2 device?"));
}

volatile uint32_t* Register(const Mapping& registers, uint64_t offset) {
  // SAFETY: the caller has mapped the page; all registers are in it and aligned.
  return reinterpret_cast<volatile uint32_t*>(registers.Bytes().data() + offset);
}

absl::StatusOr<V2Sections> CheckSections(const V2Capability& told, const Mapping& registers) {
  const uint32_t peer_count = *Register(registers, kV2MaxPeersRegister);
  if (peer_count != kGone) return CheckV2Sections(told, peer_count);
  return absl::FailedPreconditionError(
      "the device's registers read as ones: it was unplugged, or who served it has ended. Start "
      "this virtual machine again.");
}

}  // namespace

absl::StatusOr<std::unique_ptr<V2PciDevice>> V2PciDevice::Open(const SystemPaths& paths,
                                                               std::string_view wanted) {
  const absl::StatusOr<std::string> address = FindV2Pci(paths, wanted);
  if (!address.ok()) return address.status();
  const absl::StatusOr<V2Capability> told = ReadV2Capability(paths, *address);
  if (!told.ok()) return told.status();
  absl::StatusOr<VfioDescriptors> vfio = OpenVfioPci(paths, *address);
  if (!vfio.ok()) return vfio.status();
  const int fd = vfio->device.Get();
  absl::StatusOr<Mapping> registers = MapBar(fd, VFIO_PCI_BAR0_REGION_INDEX, kRegisterBytes);
  if (!registers.ok()) return registers.status();
  const absl::StatusOr<V2Sections> sections = CheckSections(*told, *registers);
  if (!sections.ok()) return sections.status();
  absl::StatusOr<Mapping> memory = MapBar(fd, VFIO_PCI_BAR2_REGION_INDEX, sections->TotalBytes());
  if (!memory.ok()) return memory.status();
  const absl::StatusOr<uint32_t> count = CountVfioVectors(fd);
  if (!count.ok()) return count.status();
  absl::StatusOr<std::vector<UniqueFd>> eventfds =
      SignalEventfds(fd, std::min(*count, kV2MostVectors));
  if (!eventfds.ok()) return eventfds.status();
  return std::unique_ptr<V2PciDevice>(new V2PciDevice(*sections, *std::move(eventfds),
                                                      *std::move(vfio), *std::move(registers),
                                                      *std::move(memory)));
}

V2PciDevice::V2PciDevice(const V2Sections& sections, std::vector<UniqueFd> eventfds,
                         VfioDescriptors vfio, Mapping registers, Mapping memory)
    : V2GuestDevice(sections, std::move(eventfds)),
      vfio_(std::move(vfio)),
      registers_(std::move(registers)),
      memory_(std::move(memory)) {}

uint32_t V2PciDevice::ReadRegister(uint64_t offset) { return *Register(registers_, offset); }

void V2PciDevice::WriteRegister(uint64_t offset, uint32_t value) {
  OrderBeforeRegisterStore();
  *Register(registers_, offset) = value;
}

}  // namespace tombolo

#include "transport/device/v2/v2_pci_device.h"

#include <linux/vfio.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "transport/device/register_order.h"
#include "transport/device/v2/v2_registers.h"
#include "transport/device/vfio/vfio_setup.h"

namespace tombolo {
namespace {

constexpr uint32_t kGone = 0xffffffff;
constexpr uint64_t kRegisterBytes = kV2PageBytes;
constexpr uint32_t kMostVectors = 16;  // More are of no use to anybody here.

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

absl::StatusOr<V2Sections> CheckSections(const V2Capability& told, uint32_t peer_count) {
  absl::StatusOr<V2Sections> sections =
      MakeV2Sections(peer_count, told.rw_bytes, told.output_bytes);
  if (sections.ok() && told.state_table_bytes != sections->state_table_bytes) {
    return absl::FailedPreconditionError(absl::StrCat("the device's state table has ",
                                                      told.state_table_bytes, " bytes, expected ",
                                                      sections->state_table_bytes, "."));
  }
  return sections;
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
  std::unique_ptr<V2PciDevice> device(new V2PciDevice(*std::move(vfio), *std::move(registers)));
  if (auto status = device->Prepare(*told); !status.ok()) return status;
  return device;
}

absl::Status V2PciDevice::Prepare(const V2Capability& told) {
  const uint32_t peer_count = ReadRegister(kV2MaxPeersRegister);
  if (peer_count == kGone) {
    return absl::FailedPreconditionError(
        "the device's registers read as ones: it was unplugged, or who served it has ended. Start "
        "this "
        "virtual machine again.");
  }
  const auto sections = CheckSections(told, peer_count);
  if (!sections.ok()) return sections.status();
  sections_ = *sections;
  const int fd = vfio_.device.Get();
  absl::StatusOr<Mapping> memory = MapBar(fd, VFIO_PCI_BAR2_REGION_INDEX, sections_.TotalBytes());
  if (!memory.ok()) return memory.status();
  memory_ = *std::move(memory);
  const absl::StatusOr<uint32_t> count = CountVfioVectors(fd);
  if (!count.ok()) return count.status();
  absl::StatusOr<std::vector<UniqueFd>> eventfds =
      SignalEventfds(fd, std::min(*count, kMostVectors));
  if (!eventfds.ok()) return eventfds.status();
  eventfds_ = *std::move(eventfds);
  return absl::OkStatus();
}

uint32_t V2PciDevice::ReadRegister(uint64_t offset) { return *Register(offset); }

void V2PciDevice::WriteRegister(uint64_t offset, uint32_t value) {
  OrderBeforeRegisterStore();
  *Register(offset) = value;
}

volatile uint32_t* V2PciDevice::Register(uint64_t offset) const {
  // SAFETY: Open() has mapped the page; all registers are in it and aligned.
  return reinterpret_cast<volatile uint32_t*>(registers_.Bytes().data() + offset);
}

}  // namespace tombolo

#include "control/ivshmem_v2/config_space.h"

#include <bit>

#include "transport/device/v2/v2_registers.h"

namespace tombolo::control {
namespace {

// Offsets of PCI's header, and what is in them.
constexpr uint64_t kVendor = 0x00, kDevice = 0x02, kCommand = 0x04, kStatus = 0x06;
constexpr uint64_t kInterface = 0x09, kSubclass = 0x0a, kClass = 0x0b;
constexpr uint64_t kBar0 = 0x10, kBar1 = 0x14, kBar2 = 0x18;
constexpr uint64_t kSubsystemVendor = 0x2c, kSubsystem = 0x2e, kFirstCapability = 0x34;

constexpr uint64_t kCommandOwned = 0x0406;  // Memory, bus master, and no pin.
constexpr uint64_t kHasCapabilities = 0x10;
constexpr uint64_t kClassOther = 0xff;
constexpr uint64_t kBarIs64BitPrefetchable = 0xc;
constexpr uint64_t kBarFlags = 0xf;

constexpr uint64_t kVendorCapability = 0x40, kMsixCapability = 0x60;
constexpr uint64_t kVendorCapabilityId = 0x09, kMsixCapabilityId = 0x11;
constexpr uint64_t kVendorCapabilityBytes = 0x18;
constexpr uint64_t kPrivilegedControl = kVendorCapability + 3;
constexpr uint64_t kOneShot = 1;
constexpr uint64_t kMsixControlOwned = 0xc000;  // Enable, and mask of the whole.
constexpr uint64_t kMsixBarNumber = 1;

constexpr std::byte kNothingThere{0xff};

}  // namespace

ConfigSpace::ConfigSpace(const V2Sections& sections, uint16_t protocol, uint16_t vectors) {
  DescribeDevice(protocol);
  DescribeBars(MemoryBarBytes(sections));
  DescribeSections(sections);
  DescribeMsix(vectors);
}

void ConfigSpace::Read(uint64_t offset, std::span<std::byte> bytes) const {
  for (std::byte& byte : bytes) {
    byte = offset < kConfigBytes ? std::byte{bytes_[offset++]} : kNothingThere;
  }
}

void ConfigSpace::Write(uint64_t offset, std::span<const std::byte> bytes) {
  for (const std::byte byte : bytes) {
    if (offset >= kConfigBytes) return;
    const auto written = static_cast<unsigned>(byte) & owned_[offset];
    bytes_[offset] = static_cast<uint8_t>((bytes_[offset] & ~owned_[offset]) | written);
    ++offset;
  }
}

void ConfigSpace::Reset() {
  for (size_t i = 0; i < kConfigBytes; ++i) {
    bytes_[i] = static_cast<uint8_t>(bytes_[i] & ~owned_[i]);
  }
}

bool ConfigSpace::IsOneShot() const { return (bytes_[kPrivilegedControl] & kOneShot) != 0; }

uint64_t ConfigSpace::MemoryBarBytes(const V2Sections& sections) {
  return std::bit_ceil(sections.TotalBytes());
}

void ConfigSpace::Put(uint64_t offset, uint64_t value, size_t size_bytes) {
  for (size_t i = 0; i < size_bytes; ++i) {
    bytes_[offset + i] = static_cast<uint8_t>(value >> (8 * i));
  }
}

void ConfigSpace::Own(uint64_t offset, uint64_t mask, size_t size_bytes) {
  for (size_t i = 0; i < size_bytes; ++i) {
    owned_[offset + i] = static_cast<uint8_t>(mask >> (8 * i));
  }
}

void ConfigSpace::DescribeDevice(uint16_t protocol) {
  Put(kVendor, kV2VendorId, 2);
  Put(kDevice, kV2DeviceId, 2);
  Own(kCommand, kCommandOwned, 2);
  Put(kStatus, kHasCapabilities, 2);
  Put(kInterface, protocol, 1);
  Put(kSubclass, protocol >> 8, 1);
  Put(kClass, kClassOther, 1);
  Put(kSubsystemVendor, kV2VendorId, 2);
  Put(kSubsystem, kV2DeviceId, 2);
  Put(kFirstCapability, kVendorCapability, 1);
}

// Software finds the size of a BAR by writing ones: those below the size do not stay.
void ConfigSpace::DescribeBars(uint64_t memory_bar_bytes) {
  Own(kBar0, ~(kRegisterBarBytes - 1), 4);
  Own(kBar1, ~(kMsixBarBytes - 1), 4);
  Put(kBar2, kBarIs64BitPrefetchable, 8);
  Own(kBar2, ~(memory_bar_bytes - 1) & ~kBarFlags, 8);
}

void ConfigSpace::DescribeSections(const V2Sections& sections) {
  Put(kVendorCapability, kVendorCapabilityId, 1);
  Put(kVendorCapability + 1, kMsixCapability, 1);
  Put(kVendorCapability + 2, kVendorCapabilityBytes, 1);
  Own(kPrivilegedControl, kOneShot, 1);
  Put(kVendorCapability + 0x04, sections.state_table_bytes, 4);
  Put(kVendorCapability + 0x08, sections.rw_bytes, 8);
  Put(kVendorCapability + 0x10, sections.output_bytes, 8);
}

void ConfigSpace::DescribeMsix(uint16_t vectors) {
  Put(kMsixCapability, kMsixCapabilityId, 1);
  Put(kMsixCapability + 2, vectors - 1u, 2);
  Own(kMsixCapability + 2, kMsixControlOwned, 2);
  Put(kMsixCapability + 4, kMsixBarNumber, 4);
  Put(kMsixCapability + 8, kMsixPendingOffset | kMsixBarNumber, 4);
}

}  // namespace tombolo::control

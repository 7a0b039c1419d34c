// ConfigSpace: the PCI configuration space of one ivshmem v2 device, 256 bytes: identity, command
// register, three BARs, the vendor capability with the sizes of the sections, and MSI-X.
//
//   0x40  vendor capability: one-shot control, size of state table, R/W section, output sections
//   0x60  MSI-X capability: table at the begin of BAR1, pending bits in its second half
//
// What it assumes of who accesses it: nothing. An access may have any offset and size: what is
// beyond the end reads as ones, and of what is written only the bits that software owns change.
// Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "transport/device/v2/v2_sections.h"

namespace tombolo::control {

inline constexpr size_t kConfigBytes = 256;
inline constexpr uint64_t kRegisterBarBytes = 4096;
inline constexpr uint64_t kMsixBarBytes = 4096;
inline constexpr uint64_t kMsixPendingOffset = 2048;
inline constexpr uint64_t kMsixEntryBytes = 16;
inline constexpr uint16_t kMostVectors = kMsixPendingOffset / kMsixEntryBytes;

class ConfigSpace {
 public:
  // `protocol`: what the peers speak over the sections, in the class code. `vectors`: 1 to
  // kMostVectors.
  ConfigSpace(const V2Sections& sections, uint16_t protocol, uint16_t vectors);

  void Read(uint64_t offset, std::span<std::byte> bytes) const;
  void Write(uint64_t offset, std::span<const std::byte> bytes);

  // What software owns is 0 again.
  void Reset();

  // Whether an interrupt disables the next ones, by the vendor capability.
  bool IsOneShot() const;

  // A BAR has a size that is a power of two, so the memory's is its size rounded up.
  static uint64_t MemoryBarBytes(const V2Sections& sections);

 private:
  void Put(uint64_t offset, uint64_t value, size_t size_bytes);
  void Own(uint64_t offset, uint64_t mask, size_t size_bytes);
  void DescribeDevice(uint16_t protocol);
  void DescribeBars(uint64_t memory_bar_bytes);
  void DescribeSections(const V2Sections& sections);
  void DescribeMsix(uint16_t vectors);

  std::array<uint8_t, kConfigBytes> bytes_{};
  std::array<uint8_t, kConfigBytes> owned_{};  // A bit for each that software may change.
};

}  // namespace tombolo::control

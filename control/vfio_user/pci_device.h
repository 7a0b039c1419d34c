// PciDevice: what a vfio-user session serves to one QEMU: a PCI device without DMA, whose
// interrupts are MSI-X.
//
// What it assumes of QEMU: nothing. Region numbers and vectors are in range when these are called;
// offsets and sizes are whatever the guest made of them. Thread safety: the session's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "control/vfio_user/wire.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control::vfio_user {

// A BAR, or the configuration.
struct PciRegion {
  uint64_t size_bytes = 0;  // 0: there is none.
  // Where it may be mapped, to read and write, out of `fd` at the same offsets; everything else is
  // an access that is asked for.
  std::vector<Area> mappable;
  int fd = -1;  // Stays the device's.
};

class PciDevice {
 public:
  virtual ~PciDevice() = default;

  // `region`: below kRegionCount, here and below.
  virtual PciRegion Region(uint32_t region) const = 0;
  virtual void Read(uint32_t region, uint64_t offset, std::span<std::byte> bytes) = 0;
  virtual void Write(uint32_t region, uint64_t offset, std::span<const std::byte> bytes) = 0;

  virtual uint32_t VectorCount() const = 0;
  // What to ring for an interrupt; not open: nobody listens.
  virtual void SetVector(uint32_t vector, UniqueFd eventfd) = 0;

  virtual void Reset() = 0;
};

}  // namespace tombolo::control::vfio_user

// PeerDevice: one peer's device of a V2Bus, as a vfio-user session serves it: which BAR is which of
// the device's spaces, and what of the memory QEMU may map instead of asking for each access.
//
// A mapping can be written, so a peer maps only what it may write: the R/W section and its own
// output section. The state table and the others' output sections are asked for, word by word,
// which is a hundred times slower, and safe. With kEverything all but the state table is mapped: as
// fast as memory, and then nothing keeps a guest from writing where it should only read.
//
// What it assumes of a guest: nothing. Of its QEMU: an eventfd is what it is said to be, because
// anything else is refused, but a process that shares it could fill it and have it block at the
// very moment of a ring; and who has the memory's descriptor can map all of it. A QEMU that was
// taken over is no guest (SECURITY.md).
//
// It has the eventfds of its vectors. Thread safety: the bus's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "control/ivshmem_v2/v2_bus.h"
#include "control/vfio_user/pci_device.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {

enum class V2Mappable { kOwnSections, kEverything };

class PeerDevice final : public vfio_user::PciDevice {
 public:
  // `bus` outlives this; `memory_fd` is the file of its memory.
  PeerDevice(V2Bus& bus, uint32_t peer, int memory_fd, V2Mappable mappable);

  vfio_user::PciRegion Region(uint32_t region) const override;
  void Read(uint32_t region, uint64_t offset, std::span<std::byte> bytes) override;
  void Write(uint32_t region, uint64_t offset, std::span<const std::byte> bytes) override;
  uint32_t VectorCount() const override { return bus_.Vectors(); }
  void SetVector(uint32_t vector, UniqueFd eventfd) override;
  void Reset() override { bus_.Reset(peer_); }

  // Delivers an interrupt of the bus. Never blocks, but see above.
  void Interrupt(uint16_t vector) const;

  // QEMU is gone.
  void ForgetVectors();

 private:
  std::vector<vfio_user::Area> MappableAreas() const;

  V2Bus& bus_;
  const uint32_t peer_;
  const int memory_fd_;
  const V2Mappable mappable_;
  std::vector<UniqueFd> eventfds_;
};

}  // namespace tombolo::control

// SimulatedV2: the ivshmem v2 devices of several peers in this process, for tests of what drives
// them. Each peer has a view of the memory in which only its own output section and the R/W section
// can be written: a store elsewhere is a SIGSEGV.
//
// Interrupts are kept as eventfds are: counted until they are taken. SetLossy() loses all of them,
// SetUnplugged() makes a device of which everything reads as ones.
#pragma once

#include <sys/mman.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "control/ivshmem_v2/v2_bus.h"
#include "transport/base/unique_fd.h"
#include "transport/device/mapping.h"
#include "transport/device/v2/v2_device.h"
#include "transport/device/v2/v2_sections.h"

namespace tombolo::control {

class SimulatedV2 {
 public:
  static constexpr uint16_t kVectors = 2;

  explicit SimulatedV2(const V2Sections& sections)
      : memory_fd_(*CreateSealedMemfd("simulated-v2", sections.TotalBytes())),
        memory_(*Mapping::Map(memory_fd_.Get(), 0, sections.TotalBytes())),
        interrupts_(sections.peer_count),
        bus_({.sections = sections,
              .protocols = {},
              .vectors = kVectors,
              .memory = memory_.Bytes(),
              .interrupt = [this](uint32_t peer, uint16_t vector) {
                if (!is_lossy_) ++interrupts_[peer][vector];
              }}) {
    for (uint32_t peer = 0; peer < sections.peer_count; ++peer) {
      devices_.push_back(std::make_unique<Device>(bus_, peer, memory_fd_.Get()));
      bus_.Connect(peer);
    }
  }

  V2Device& DeviceOf(uint32_t peer) { return *devices_[peer]; }
  V2Bus& Bus() { return bus_; }
  // The memory as nobody sees it: all of it can be written.
  std::span<std::byte> Memory() { return memory_.Bytes(); }

  void SetLossy(bool is_lossy) { is_lossy_ = is_lossy; }
  void SetUnplugged(uint32_t peer) { bus_.Break(peer); }
  // Whether there was an interrupt since the last call.
  bool Taken(uint32_t peer, uint16_t vector) {
    return std::exchange(interrupts_[peer][vector], 0) != 0;
  }

 private:
  class Device final : public V2Device {
   public:
    Device(V2Bus& bus, uint32_t peer, int memory_fd)
        : bus_(bus), peer_(peer), view_(Map(memory_fd, 0, Sections().TotalBytes(), nullptr)) {
      Map(memory_fd, Sections().RwOffset(), Sections().rw_bytes, view_);
      Map(memory_fd, Sections().OutputOffset(peer), Sections().output_bytes, view_);
    }
    ~Device() override { munmap(view_, Sections().TotalBytes()); }

    const V2Sections& Sections() const override { return bus_.Sections(); }
    std::span<std::byte> Memory() override {
      return {static_cast<std::byte*>(view_), Sections().TotalBytes()};
    }
    uint32_t ReadRegister(uint64_t offset) override {
      uint32_t value;
      bus_.Read(peer_, V2Space::kRegisters, offset, std::as_writable_bytes(std::span(&value, 1)));
      return value;
    }
    void WriteRegister(uint64_t offset, uint32_t value) override {
      bus_.Write(peer_, V2Space::kRegisters, offset, std::as_bytes(std::span(&value, 1)));
    }

   private:
    // Without a view: all, to read. Else a part of it, to write.
    static void* Map(int fd, uint64_t offset, uint64_t size_bytes, void* view) {
      if (size_bytes == 0) return nullptr;
      void* const at = view ? static_cast<std::byte*>(view) + offset : nullptr;
      void* const mapped =
          mmap(at, size_bytes, view ? PROT_READ | PROT_WRITE : PROT_READ,
               MAP_SHARED | (view ? MAP_FIXED : 0), fd, static_cast<off_t>(offset));
      if (mapped == MAP_FAILED) abort();
      return mapped;
    }

    V2Bus& bus_;
    const uint32_t peer_;
    void* const view_;
  };

  const UniqueFd memory_fd_;
  const Mapping memory_;
  bool is_lossy_ = false;
  std::vector<std::array<int, kVectors>> interrupts_;
  V2Bus bus_;
  std::vector<std::unique_ptr<Device>> devices_;
};

}  // namespace tombolo::control

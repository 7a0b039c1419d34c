// SysfsDevice: the region as a process in a guest sees it without any driver: BAR2 and the doorbell
// register of an ivshmem device, mapped from the files that sysfs shows of it.
//
// It can ring others; nobody can interrupt it. Thread safety: Ring() from any thread. The files may
// be closed after Map(); the mappings keep them, and the lock of whoever opened them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "absl/status/statusor.h"
#include "transport/device/device.h"
#include "transport/device/mapping.h"
#include "transport/device/register_page.h"

namespace tombolo {

// SUBTLE: sysfs shows BAR2 in two ways, and each processor has one in which a store with release
// stays behind the stores before it, as all of transport assumes.
//   x86    resource2, uncached: stores are seen in their order. In resource2_wc (write-combining)
//          they are not, and nothing but a fence before each release would help.
//   arm64  resource2_wc, Normal non-cacheable: barriers order it, and it may be accessed unaligned.
//          resource2 is Device memory, where memcpy raises SIGBUS.
#if defined(__aarch64__)
inline constexpr char kMemoryResource[] = "resource2_wc";
inline constexpr MemoryType kSysfsMemoryType = MemoryType::kWriteCombining;
#else
inline constexpr char kMemoryResource[] = "resource2";
inline constexpr MemoryType kSysfsMemoryType = MemoryType::kUncached;
#endif

class SysfsDevice final : public Device {
 public:
  struct Files {
    int memory = -1;     // kMemoryResource.
    int registers = -1;  // resource0.
  };

  // `registers_offset`: of BAR0 in its page. PermissionDenied: the kernel is locked down.
  // InvalidArgument: a driver holds the device.
  static absl::StatusOr<std::unique_ptr<SysfsDevice>> Map(const Files& files, uint64_t memory_bytes,
                                                          uint64_t registers_offset);

  std::span<std::byte> Memory() override { return memory_.Bytes(); }
  MemoryType Type() const override { return kSysfsMemoryType; }

  // Memory ordering: whoever is woken sees what this thread stored before it rang.
  void Ring(uint16_t slot, uint16_t vector) override { registers_.Ring(slot, vector); }

  // Which slot this device has.
  uint16_t Slot() const { return registers_.Slot(); }

 private:
  SysfsDevice(Mapping memory, RegisterPage registers);

  Mapping memory_;
  RegisterPage registers_;
};

}  // namespace tombolo

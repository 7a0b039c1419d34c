// Device: the bytes of the region and the means to ring a doorbell, whatever they come from.
//
// It does not wait (transport/wait does) and knows nothing of what lies in the region. It owns its
// mapping and descriptors. Thread safety: Ring() may be called from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "transport/base/memory_type.h"

namespace tombolo {

class Device {
 public:
  Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  virtual ~Device() = default;

  // The whole region, mapped readable and writable.
  virtual std::span<std::byte> Memory() = 0;
  virtual MemoryType Type() const = 0;

  // Rings (slot, vector). A doorbell is a hint: it carries no sender, coalesces, and is lost when
  // nobody is there. So there is nothing to report, and the waiter looks at the shared state after
  // it armed.
  virtual void Ring(uint16_t slot, uint16_t vector) = 0;
};

}  // namespace tombolo

// The four registers of QEMU's ivshmem-flat device, which has no PCI: 16 bytes at an address that
// the board knows, 32-bit little-endian accesses only.
//
//   offset  what
//        0  INTMASK, 4 INTSTATUS: read as 0, and writing them does nothing
//        8  IVPOSITION, read-only: this device's ID, which is our slot
//       12  DOORBELL, write-only: slot << 16 | vector
//
// The device interrupts on vector 0 only, by a pulse: there is nothing to acknowledge. For C and
// C++, freestanding.
#ifndef TOMBOLO_GUEST_FLAT_REGISTERS_H
#define TOMBOLO_GUEST_FLAT_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

// QEMU looks a vector up without a check in an array of this length.
#define FLAT_MAX_VECTORS 64u
#define FLAT_MAX_SLOTS 256u

struct flat_registers {
  uint32_t intmask;
  uint32_t intstatus;
  uint32_t ivposition;
  uint32_t doorbell;
};

static inline uint32_t flat_position(const volatile struct flat_registers *registers) {
  return registers->ivposition;
}

// Rings (slot, vector). False, and nothing is written: no such doorbell. That somebody is there is
// not checked: a doorbell is a hint.
static inline bool flat_ring(volatile struct flat_registers *registers, uint32_t slot,
                             uint32_t vector) {
  if (slot >= FLAT_MAX_SLOTS || vector >= FLAT_MAX_VECTORS) return false;
  registers->doorbell = slot << 16 | vector;
  return true;
}

#endif

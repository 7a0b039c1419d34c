// Where things are on the board: mps2-an385 of QEMU, a Cortex-M3. Other boards define these words
// otherwise (README.md); there, as with QEMU's ivshmem-flat device, FLAT_REGISTERS and FLAT_IRQ are
// the device's.
#ifndef TOMBOLO_GUEST_FLAT_FIRMWARE_BOARD_H
#define TOMBOLO_GUEST_FLAT_FIRMWARE_BOARD_H

// The board's 16 MiB of PSRAM: a region that QEMU has been given as this memory.
#ifndef FLAT_MEMORY
#define FLAT_MEMORY 0x21000000u
#define FLAT_MEMORY_BYTES 0x01000000u
#endif

// Memory that stands for the device's registers: QEMU's loader has put our slot there, and a
// doorbell goes nowhere.
#ifndef FLAT_REGISTERS
#define FLAT_REGISTERS 0x20000000u
#endif

// The interrupt of vector 0; not defined: none is wired.
// #define FLAT_IRQ 0

#define BOARD_IRQS 48u
#define BOARD_TICKS_PER_MS 25000u

#endif

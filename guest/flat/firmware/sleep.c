#include "guest/flat/firmware/sleep.h"

#include <stdint.h>

#include "guest/flat/firmware/board.h"

// ARMv7-M: SysTick and NVIC.
#define SYST_CSR (*(volatile uint32_t *)0xe000e010u)
#define SYST_RVR (*(volatile uint32_t *)0xe000e014u)
#define SYST_CVR (*(volatile uint32_t *)0xe000e018u)
#define NVIC_ISER ((volatile uint32_t *)0xe000e100u)
// Enabled, with an interrupt, by the processor's clock.
#define SYST_RUN 7u

bool sleep_setup(void) {
  SYST_RVR = BOARD_TICKS_PER_MS - 1;
  SYST_CVR = 0;
  SYST_CSR = SYST_RUN;
#ifdef FLAT_IRQ
  NVIC_ISER[FLAT_IRQ / 32] = 1u << FLAT_IRQ % 32;
  return true;
#else
  return false;
#endif
}

void sleep_begin(void) { __asm__ volatile("cpsid i" ::: "memory"); }

void sleep_end(void) { __asm__ volatile("cpsie i\n\tisb" ::: "memory"); }

void sleep_until_interrupt(void) { __asm__ volatile("dsb\n\twfi" ::: "memory"); }

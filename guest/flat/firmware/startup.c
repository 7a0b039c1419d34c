// From reset to main() on a Cortex-M3: vector table, memory, the functions that compilers expect.
#include <stddef.h>
#include <stdint.h>

#include "guest/flat/firmware/board.h"
#include "guest/flat/firmware/semihosting.h"

int main(void);

// Of firmware.ld.
extern uint32_t data_begin[], data_end[], data_load[], bss_begin[], bss_end[], stack_top[];

void *memset(void *to, int byte, size_t bytes) {
  uint8_t *at = to;
  while (bytes-- != 0) *at++ = (uint8_t)byte;
  return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes) {
  uint8_t *at = to;
  const uint8_t *source = from;
  while (bytes-- != 0) *at++ = *source++;
  return to;
}

static void on_reset(void) {
  const uint32_t *from = data_load;
  for (uint32_t *at = data_begin; at != data_end; ++at) *at = *from++;
  for (uint32_t *at = bss_begin; at != bss_end; ++at) *at = 0;
  semihosting_exit(main());
}

static void on_fault(void) {
  semihosting_print("error: the processor took a fault\n");
  semihosting_exit(1);
}

// A sleep ends by any interrupt; there is nothing else to do, and nothing to acknowledge.
static void on_interrupt(void) {}

typedef void (*handler)(void);

struct vector_table {
  uint32_t *stack;
  handler reset;
  handler faults[13];
  handler systick;
  handler interrupts[BOARD_IRQS];
};

__attribute__((section(".vectors"), used)) static const struct vector_table vectors = {
    .stack = stack_top,
    .reset = on_reset,
    .faults = {[0 ... 12] = on_fault},
    .systick = on_interrupt,
    .interrupts = {[0 ... BOARD_IRQS - 1] = on_interrupt},
};

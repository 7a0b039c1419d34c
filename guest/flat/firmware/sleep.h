// Sleep of a Cortex-M3 until an interrupt, at most a millisecond: the timer that stands behind a
// doorbell.
#ifndef TOMBOLO_GUEST_FLAT_FIRMWARE_SLEEP_H
#define TOMBOLO_GUEST_FLAT_FIRMWARE_SLEEP_H

// Starts the timer, and lets the device's interrupt in, if one is wired. False: none is.
#include <stdbool.h>

bool sleep_setup(void);

// Between these two an interrupt is kept, and ends the next sleep_until_interrupt().
void sleep_begin(void);
void sleep_end(void);

void sleep_until_interrupt(void);

#endif

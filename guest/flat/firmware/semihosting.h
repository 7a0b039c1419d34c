// What an emulator or a debugger does for firmware that asks for it (Arm's "Semihosting for AArch32
// and AArch64"): text, and the end.
#ifndef TOMBOLO_GUEST_FLAT_FIRMWARE_SEMIHOSTING_H
#define TOMBOLO_GUEST_FLAT_FIRMWARE_SEMIHOSTING_H

#include <stdint.h>

void semihosting_print(const char *text);

// In decimal.
void semihosting_print_number(uint32_t number);

// Ends the emulator with this exit code.
_Noreturn void semihosting_exit(int code);

#endif

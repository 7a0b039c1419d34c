// PinInterrupts: the driver's side of an ivshmem device that has an interrupt pin in place of
// vectors. It turns what the pin tells into doorbells of vectors, so that whoever waits on them
// need not know.
//
//   status             who is rung
//   0                  nobody: on a line that devices share it was another one
//   2^32 - 1           vector 0, because a guest has joined; and all others
//   anything else      all vectors but 0
//
// A doorbell's value does not tell its vector, and a newer interrupt replaces an older one that
// nobody has read. So a join may hide a doorbell, and all are rung; a doorbell may hide a join,
// which is found as a lost one is: a timer stands behind every sleep. A doorbell is a hint, and one
// too many costs a look.
//
// Not thread-safe; registers and eventfds must outlive it. The device may say anything.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "transport/device/legacy/legacy_registers.h"

namespace tombolo {

class PinInterrupts {
 public:
  // `eventfds`: of the own vectors; they are rung, never read. Interrupts are off until Enable().
  PinInterrupts(LegacyRegisters& registers, std::vector<int> eventfds)
      : registers_(registers), eventfds_(std::move(eventfds)) {}

  // What came before is forgotten, and the pin works from now on. Look at the shared state after
  // this.
  void Enable();
  void Disable();

  // The pin is up. False: not because of this device.
  bool OnPin();

 private:
  void RingFrom(size_t first_vector) const;

  LegacyRegisters& registers_;
  const std::vector<int> eventfds_;
};

}  // namespace tombolo

// Stepper: a child process that carries out one operation, one machine instruction at a time, and
// may be killed between any two of them.
//
//   parent                       victim
//   Stepper(operation)           fork, then waits before the first instruction of the operation
//   KillHere()                   a copy of it, stopped at the same instruction, gets SIGKILL
//   Step() -> true               one instruction further; false: the operation has ended
//
// What dies is a copy (the victim is made to fork by ptrace, and the copy has executed the same
// instructions over the same shared memory), so that killing at all of n instructions costs n
// steps, not n * n / 2. The copy is dead and reaped when KillHere() returns. Shared memory is the
// parent's own mapping, inherited by fork; everything else of the parent's is copied.
//
// For x86-64 Linux. Not thread-safe; the parent must have one thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>

namespace tombolo::crash {

class Stepper {
 public:
  explicit Stepper(const std::function<void()>& operation);
  Stepper(const Stepper&) = delete;
  Stepper& operator=(const Stepper&) = delete;
  ~Stepper();

  bool Step();
  void KillHere();

  // The instruction that comes next is a system call.
  bool IsAtSystemCall() const;

  // The function that the next instruction belongs to, for people.
  std::string Where() const;

 private:
  uint64_t InstructionPointer() const;

  pid_t victim_;
};

}  // namespace tombolo::crash

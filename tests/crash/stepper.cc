#include "tests/crash/stepper.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/debugging/symbolize.h"
#include "absl/strings/str_cat.h"

// Two addresses that parent and victim both know: a system call for the victim to carry out, and
// the place that it comes to when its operation has ended.
extern "C" const char tombolo_crash_system_call[];
extern "C" void tombolo_crash_ended();
asm(R"(
  .pushsection .text
  .globl tombolo_crash_system_call
tombolo_crash_system_call:
  syscall
  int3
  .globl tombolo_crash_ended
tombolo_crash_ended:
  ret
  .popsection
)");

namespace tombolo::crash {
namespace {

constexpr uint64_t kSystemCallOpcode = 0x050f;  // Two bytes, little-endian.
constexpr uint64_t kSystemCallOpcodeMask = 0xffff;

// Without a tracer nothing here makes sense, so what can't happen ends the program.
[[noreturn]] void Fail(const char* what, pid_t pid, int status) {
  fprintf(stderr, "error: %s (process %d, wait status 0x%x, errno %s)\n", what, pid,
          static_cast<unsigned>(status), strerror(errno));
  abort();
}

long Ask(__ptrace_request request, pid_t pid, uint64_t data = 0, void* address = nullptr) {
  // SAFETY: ptrace takes addresses and words through the same pointer-sized parameter.
  const long answer = ptrace(request, pid, address, reinterpret_cast<void*>(data));
  if (answer != 0) Fail("a ptrace request failed", pid, 0);
  return answer;
}

int WaitFor(pid_t pid) {
  int status = 0;
  if (waitpid(pid, &status, __WALL) != pid) Fail("waitpid failed", pid, status);
  return status;
}

void ExpectStop(pid_t pid, int signal, int event = 0) {
  const int status = WaitFor(pid);
  if (WIFSTOPPED(status) && status >> 8 == (signal | event << 8)) return;
  Fail("the victim did not stop where it should", pid, status);
}

user_regs_struct Registers(pid_t pid) {
  user_regs_struct registers;
  Ask(PTRACE_GETREGS, pid, reinterpret_cast<uint64_t>(&registers));
  return registers;
}

void SetRegisters(pid_t pid, user_regs_struct registers) {
  // SUBTLE: -1 says that no system call is under way; else the kernel may start it once more.
  registers.orig_rax = ~uint64_t{0};
  Ask(PTRACE_SETREGS, pid, reinterpret_cast<uint64_t>(&registers));
}

}  // namespace

Stepper::Stepper(const std::function<void()>& operation) : victim_(fork()) {
  if (victim_ < 0) Fail("fork failed", victim_, 0);
  if (victim_ == 0) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    // Nothing but the system call, so that few instructions are not the operation's own.
    syscall(SYS_kill, getpid(), SIGSTOP);
    operation();
    tombolo_crash_ended();
    _exit(0);
  }
  ExpectStop(victim_, SIGSTOP);
  Ask(PTRACE_SETOPTIONS, victim_, PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK);
}

Stepper::~Stepper() {
  kill(victim_, SIGKILL);
  while (!WIFSIGNALED(WaitFor(victim_))) continue;
}

bool Stepper::Step() {
  Ask(PTRACE_SINGLESTEP, victim_);
  ExpectStop(victim_, SIGTRAP);
  return InstructionPointer() != reinterpret_cast<uint64_t>(&tombolo_crash_ended);
}

void Stepper::KillHere() {
  const user_regs_struct here = Registers(victim_);
  user_regs_struct forking = here;
  forking.rip = reinterpret_cast<uint64_t>(tombolo_crash_system_call);
  forking.rax = SYS_clone;
  // A fork, but of our own child, so that we can reap it. No new stack, no thread ids.
  forking.rdi = CLONE_PARENT | SIGCHLD;
  forking.rsi = forking.rdx = forking.r10 = forking.r8 = 0;
  SetRegisters(victim_, forking);
  Ask(PTRACE_SINGLESTEP, victim_);
  ExpectStop(victim_, SIGTRAP, PTRACE_EVENT_FORK);
  unsigned long copy = 0;
  Ask(PTRACE_GETEVENTMSG, victim_, reinterpret_cast<uint64_t>(&copy));
  const auto copy_pid = static_cast<pid_t>(copy);
  ExpectStop(copy_pid, SIGSTOP);
  kill(copy_pid, SIGKILL);
  while (!WIFSIGNALED(WaitFor(copy_pid))) continue;
  Ask(PTRACE_SINGLESTEP, victim_);
  ExpectStop(victim_, SIGTRAP);
  SetRegisters(victim_, here);
}

uint64_t Stepper::InstructionPointer() const { return Registers(victim_).rip; }

bool Stepper::IsAtSystemCall() const {
  // SAFETY: nobody dereferences it here; it is an address of the victim's.
  void* address = reinterpret_cast<void*>(InstructionPointer());
  errno = 0;
  const auto word = static_cast<uint64_t>(ptrace(PTRACE_PEEKTEXT, victim_, address, nullptr));
  return errno == 0 && (word & kSystemCallOpcodeMask) == kSystemCallOpcode;
}

std::string Stepper::Where() const {
  const uint64_t address = InstructionPointer();
  char name[256];
  if (!absl::Symbolize(reinterpret_cast<void*>(address), name, sizeof(name))) {
    return absl::StrCat("0x", absl::Hex(address));
  }
  return name;
}

}  // namespace tombolo::crash

#include "tests/vm/alignment/fault_guard.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>

#include <atomic>

namespace tombolo::alignment {
namespace {

sigjmp_buf before_access;
std::atomic<bool> is_guarded = false;

// The signal is the access's own, so that nothing else is interrupted.
void LeaveAccess(int) {
  // Relaxed, as in Faults(): the same thread stores it.
  if (!is_guarded.load(std::memory_order_relaxed)) abort();
  siglongjmp(before_access, 1);
}

}  // namespace

void CatchSigbus() {
  struct sigaction action = {};
  action.sa_handler = LeaveAccess;
  sigaction(SIGBUS, &action, nullptr);
}

bool Faults(void (*access)(void*), void* argument) {
  const bool has_faulted = sigsetjmp(before_access, /*savesigs=*/1) != 0;
  if (!has_faulted) {
    is_guarded.store(true, std::memory_order_relaxed);
    access(argument);
  }
  is_guarded.store(false, std::memory_order_relaxed);
  return has_faulted;
}

}  // namespace tombolo::alignment

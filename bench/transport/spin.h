// Waiting in a loop the way that is measured: no deadline and no yielding. Whoever started the
// bench ends it when it takes too long.
#pragma once

namespace tombolo::bench {

// Tells the processor that this is such a loop. SUBTLE: nothing drops it, because it has no
// outputs.
inline void Pause() {
#if defined(__x86_64__)
  asm("pause");
#elif defined(__aarch64__)
  asm("yield");
#endif
}

template <typename Predicate>
void SpinUntil(Predicate done) {
  while (!done()) Pause();
}

}  // namespace tombolo::bench

// Waiting in a loop the way that is measured: no deadline and no yielding. Whoever started the
// bench ends it when it takes too long.
#pragma once

#include <immintrin.h>

namespace tombolo::bench {

template <typename Predicate>
void SpinUntil(Predicate done) {
  while (!done()) _mm_pause();
}

}  // namespace tombolo::bench

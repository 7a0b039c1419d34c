// The bare limit of one copy: memcpy of 1 MiB on one core, from and to private memory. Bytes per
// second.
#pragma once

#include <string.h>

#include <cstddef>

#include "bench/transport/measurement.h"
#include "bench/transport/private_memory.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::bench {

class BareCopy final : public Measurement {
 public:
  BareCopy() : Measurement("bare/copy", "B/s") {}

  double Lead() override {
    const int64_t start_ns = MonotonicNs();
    for (int i = 0; i < kCopies; ++i) {
      // A byte of each copy differs and is used, so that the compiler leaves none of them out.
      *source_.Data() = static_cast<std::byte>(i);
      memcpy(target_.Data(), source_.Data(), kBytes);
      last_byte_ |= *target_.Data();
    }
    const double seconds = static_cast<double>(MonotonicNs() - start_ns) / kNsPerSecond;
    return static_cast<double>(kCopies * kBytes) / seconds;
  }

 private:
  static constexpr int kCopies = 16;
  static constexpr size_t kBytes = kMiB;

  PrivateMemory source_{kBytes};
  PrivateMemory target_{kBytes};
  std::byte last_byte_{};
};

}  // namespace tombolo::bench

#include "control/doctor/read_speed.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "transport/base/clock.h"
#include "transport/base/units.h"
#include "transport/layout/shared_word.h"

namespace tombolo::control {
namespace {

constexpr size_t kMostBytes = kMiB;
constexpr int kRounds = 8;

// Of a clock that sees nothing happen in one round, which no load is.
constexpr double kLeastNs = 0.01;

}  // namespace

double NsPerLine(std::span<const std::byte> bytes) {
  const size_t lines = std::min(bytes.size(), kMostBytes) / kCacheLineBytes;
  int64_t best_ns = std::numeric_limits<int64_t>::max();
  for (int round = 0; round < kRounds; ++round) {
    const int64_t start_ns = MonotonicNs();
    for (size_t line = 0; line < lines; ++line) {
      // SAFETY: `lines` whole lines are within `bytes`, which the caller has aligned to them.
      // Relaxed: what is read does not matter.
      reinterpret_cast<const SharedU64*>(bytes.data() + line * kCacheLineBytes)
          ->load(std::memory_order_relaxed);
    }
    best_ns = std::min(best_ns, MonotonicNs() - start_ns);
  }
  return std::max(kLeastNs, static_cast<double>(best_ns) / static_cast<double>(lines));
}

}  // namespace tombolo::control

#include "kvcache/guest/load_time.h"

#include <algorithm>

#include "transport/base/clock.h"
#include "transport/base/units.h"
#include "transport/layout/shared_word.h"

namespace tombolo::kvcache {
namespace {

constexpr size_t kBytes = 16 * kKiB;  // They fit into any cache.
constexpr int kRounds = 8;            // The first one fills it; others may be interrupted.

}  // namespace

int64_t LoadTimeNs(std::span<const std::byte> memory) {
  memory = memory.first(std::min(memory.size(), kBytes));
  const auto loads = static_cast<int64_t>(memory.size() / sizeof(SharedU64));
  int64_t least_ns = INT64_MAX;
  for (int round = 0; round < kRounds; ++round) {
    const int64_t begin_ns = MonotonicNs();
    for (int64_t i = 0; i < loads; ++i) {
      // SAFETY: within the memory, and aligned. Relaxed: nothing is done with it.
      reinterpret_cast<const SharedU64*>(memory.data())[i].load(std::memory_order_relaxed);
    }
    least_ns = std::min(least_ns, MonotonicNs() - begin_ns);
  }
  return least_ns / loads;
}

}  // namespace tombolo::kvcache

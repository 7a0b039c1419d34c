#include "bench/kv/key_stream.h"

#include <algorithm>
#include <cmath>

namespace tombolo::bench {
namespace {

constexpr size_t kLeastValueBytes = 32;
constexpr size_t kValueSizes = 400;  // 232 bytes on average, near the median of Twitter's caches.
constexpr uint32_t kExptimesS[] = {0, 2, 4, 8};

// SplitMix64's last step: spreads numbers that follow each other.
uint64_t Mixed(uint64_t key) {
  key = (key ^ key >> 30) * 0xbf58476d1ce4e5b9;
  key = (key ^ key >> 27) * 0x94d049bb133111eb;
  return key ^ key >> 31;
}

}  // namespace

KeyStream::KeyStream(const Workload& workload)
    : workload_(workload), until_scan_(workload.scan_every), next_of_scan_(workload.keys) {
  double sum = 0;
  for (size_t i = 0; i < workload.keys; ++i) {
    sums_.push_back(sum += std::pow(static_cast<double>(i + 1), -workload.skew));
  }
}

uint64_t KeyStream::Next() {
  if (left_of_scan_ > 0) {
    --left_of_scan_;
    return next_of_scan_++;
  }
  if (workload_.scan_every != 0 && --until_scan_ == 0) {
    until_scan_ = workload_.scan_every;
    left_of_scan_ = workload_.scan_keys;
  }
  std::uniform_real_distribution<double> uniform(0, sums_.back());
  const auto rank = std::lower_bound(sums_.begin(), sums_.end(), uniform(random_)) - sums_.begin();
  return static_cast<uint64_t>(rank);
}

CachedItem KeyStream::ItemOf(uint64_t key) const {
  const uint64_t mixed = Mixed(key + 1);
  return {.value_bytes = kLeastValueBytes + mixed % kValueSizes,
          .exptime_s = workload_.expires ? kExptimesS[mixed >> 32 & 3] : 0};
}

}  // namespace tombolo::bench

// What a bench asks a shard for: a million keys of 16 bytes with values of 100, in a zipf
// distribution of .99.
#pragma once

#include <stdio.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

namespace tombolo::bench {

inline constexpr size_t kItems = 1'000'000;
inline constexpr size_t kKeyBytes = 16;
inline constexpr size_t kValueBytes = 100;
inline constexpr double kSkew = 0.99;

// One after the other in memory, so that what is measured is not the way to the keys.
struct Key {
  std::array<char, kKeyBytes + 1> text;

  std::string_view View() const { return {text.data(), kKeyBytes}; }
};

inline Key KeyOf(size_t number) {
  Key key;
  snprintf(key.text.data(), key.text.size(), "key:%012zu", number);
  return key;
}

// Ranks of the distribution, each given to some key.
inline std::vector<Key> AskedKeys(size_t count, uint64_t seed) {
  std::vector<double> sums(kItems);
  double sum = 0;
  for (size_t i = 0; i < kItems; ++i) sums[i] = sum += std::pow(static_cast<double>(i + 1), -kSkew);
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(0, sum);
  std::vector<Key> keys(count);
  for (Key& key : keys) {
    const auto rank = std::lower_bound(sums.begin(), sums.end(), uniform(random)) - sums.begin();
    key = KeyOf(static_cast<size_t>(rank) * 7919 % kItems);
  }
  return keys;
}

}  // namespace tombolo::bench

// Random: numbers that are the same everywhere for the same seed, which a soak has to be.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tombolo::mpi_check {

class Random {
 public:
  // Numbers of their own for each pair of seeds.
  explicit Random(uint64_t seed, uint64_t second_seed = 0) : state_(seed) {
    state_ = Next() + second_seed;
  }

  // SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
  uint64_t Next() {
    uint64_t value = state_ += 0x9E3779B97F4A7C15;
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
    return value ^ (value >> 31);
  }

  // Below `limit`, which is not 0.
  size_t Below(size_t limit) { return Next() % limit; }
  int Below(int limit) { return static_cast<int>(Below(static_cast<size_t>(limit))); }

  bool OneIn(size_t limit) { return Below(limit) == 0; }

 private:
  uint64_t state_;
};

}  // namespace tombolo::mpi_check

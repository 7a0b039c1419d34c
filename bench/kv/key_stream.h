// KeyStream: which keys a workload asks for, one after the other; the same ones for the same seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace tombolo::bench {

struct Workload {
  std::string name;
  size_t keys = 0;
  double skew = 0;  // Of the zipf distribution in which they are asked for.
  // After every `scan_every` keys come `scan_keys` that are never asked for again; 0: none.
  size_t scan_every = 0;
  size_t scan_keys = 0;
  bool expires = false;  // Most items live some seconds only: CachedItem::exptime_s.
};

// What is stored when a key is missing. It follows from the key alone.
struct CachedItem {
  size_t value_bytes = 0;
  uint32_t exptime_s = 0;  // 0: for ever.
};

class KeyStream {
 public:
  explicit KeyStream(const Workload& workload);

  uint64_t Next();
  CachedItem ItemOf(uint64_t key) const;

 private:
  const Workload workload_;
  std::mt19937_64 random_{1};
  std::vector<double> sums_;  // Of the probabilities of the first ranks.
  size_t until_scan_;
  size_t left_of_scan_ = 0;
  uint64_t next_of_scan_;
};

}  // namespace tombolo::bench

// Counter: counted by one thread, read by any.
#pragma once

#include <atomic>
#include <cstdint>

namespace tombolo::kvcache {

// Memory ordering: relaxed, because a number orders nothing; there is one writer, so that counting
// needs no instruction that locks.
class Counter {
 public:
  Counter() = default;
  Counter(const Counter& other) : value_(other.Get()) {}
  Counter& operator=(const Counter& other) {
    value_.store(other.Get(), std::memory_order_relaxed);
    return *this;
  }

  uint64_t Get() const { return value_.load(std::memory_order_relaxed); }

  Counter& operator+=(uint64_t more) {
    value_.store(Get() + more, std::memory_order_relaxed);
    return *this;
  }
  Counter& operator++() { return *this += 1; }

  friend bool operator==(const Counter& counter, uint64_t value) { return counter.Get() == value; }

 private:
  std::atomic<uint64_t> value_ = 0;
};

}  // namespace tombolo::kvcache

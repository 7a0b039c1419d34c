// Input: takes a fuzzer's bytes one after the other. At their end everything is 0, so that whoever
// stops at IsEmpty() needs no other check.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace tombolo::fuzz {

class Input {
 public:
  explicit Input(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  bool IsEmpty() const { return bytes_.empty(); }

  template <typename T>
  T Number() {
    T number = 0;
    const std::span<const uint8_t> taken = Take(sizeof(T));
    if (!taken.empty()) memcpy(&number, taken.data(), taken.size());
    return number;
  }

  uint8_t Byte() { return Number<uint8_t>(); }

  // Below `limit`, at most 65536.
  uint32_t Below(uint32_t limit) {
    return (limit <= 256 ? uint32_t{Byte()} : uint32_t{Number<uint16_t>()}) % limit;
  }

  // The next `most` bytes, or those that are left.
  std::span<const uint8_t> Take(size_t most) {
    const auto taken = bytes_.first(std::min(most, bytes_.size()));
    bytes_ = bytes_.subspan(taken.size());
    return taken;
  }

  std::span<const uint8_t> Rest() { return Take(bytes_.size()); }

 private:
  std::span<const uint8_t> bytes_;
};

}  // namespace tombolo::fuzz

// Values that say which they are: a stamp, and then one byte again and again. Quick to make and to
// compare, so that writers and readers spend their time where they can meet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace tombolo::kvcache {

struct Stamp {
  uint64_t version = 0;
  uint64_t key = 0;
};

// `bytes`: not less than a stamp.
inline void FillStamped(std::string& value, const Stamp& stamp, size_t bytes) {
  value.assign(bytes, static_cast<char>(stamp.version * 31 + stamp.key));
  memcpy(value.data(), &stamp, sizeof(stamp));
}

// The version of a value of that key; 0: it is torn. `expected`: room for a value, used again.
inline uint64_t VersionIn(const std::string& value, uint64_t key, size_t (*bytes_of)(uint64_t),
                          std::string& expected) {
  Stamp stamp;
  if (value.size() < sizeof(stamp)) return 0;
  memcpy(&stamp, value.data(), sizeof(stamp));
  if (stamp.key != key || bytes_of(stamp.version) != value.size()) return 0;
  FillStamped(expected, stamp, value.size());
  return value == expected ? stamp.version : 0;
}

}  // namespace tombolo::kvcache

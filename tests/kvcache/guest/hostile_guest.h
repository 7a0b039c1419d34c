// HostileGuest: says anything to the owner of a cache: bytes at random, requests that are a little
// wrong, values that never come, marks of slots that nobody has.
//
// A window is shown for reading only, so the owner's socket is all that a guest can write to; and
// its agent gives it so many connections at once, and no more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <random>
#include <string>

#include "transport/base/unique_fd.h"

namespace tombolo::kvcache {

class HostileGuest {
 public:
  // `owner`: the path of its socket.
  HostileGuest(std::string owner, uint32_t seed);

  // One more connection, with up to fifty requests whose replies nobody reads for now. False: there
  // was none to be had.
  bool SayOnce();

 private:
  void LetTheOldestGo();
  std::string Request();
  std::string Put(size_t value_bytes);
  std::string Marks();
  std::string Spoilt(std::string request);
  std::string Noise(size_t bytes);

  const std::string owner_;
  std::minstd_rand random_;
  std::deque<UniqueFd> connections_;
};

}  // namespace tombolo::kvcache

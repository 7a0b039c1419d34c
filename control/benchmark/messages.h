// What the two sides of `tombolo bench` say to each other: messages of a channel.
//
// A measured message of n bytes travels as one message of the channel or, when it is larger than
// that carries, as several in a row. What its last piece is tagged with says what is wanted:
//
//   client                                     echo server
//   kPart* kTurn     (n bytes)          -->    copies them
//                                       <--    kPart* kTurn (as many bytes)      a round trip
//   kPart* ... kPart* kMark             -->    copies them
//                                       <--    kTurn (kMarkAnswerBytes)          a batch has
//                                       arrived
#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/base/units.h"

namespace tombolo::control {

// What the echo server calls its endpoint.
inline constexpr char kEchoServerName[] = "bench-server";

inline constexpr size_t kSmallestMessageBytes = 8;
inline constexpr size_t kLargestMessageBytes = 4 * kMiB;
inline constexpr size_t kMarkAnswerBytes = 8;

enum class BenchmarkTag : uint8_t {
  kPart = 1,  // More comes.
  kTurn = 2,  // Now the other side: as many bytes as came since its last word.
  kMark = 3,  // Now the other side: a few bytes.
};

constexpr uint8_t ToTag(BenchmarkTag tag) { return static_cast<uint8_t>(tag); }

}  // namespace tombolo::control

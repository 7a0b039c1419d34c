// Wire: a way for messages in both directions between the two processes of a pair, whatever it is
// made of, so that one loop measures all of them.
//
// Made before the processes part; each side calls Open() afterwards, Side::kLead first. Several
// measurements share one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "bench/transport/measurement.h"

namespace tombolo::bench {

class Wire {
 public:
  virtual ~Wire() = default;

  virtual std::string Name() const = 0;

  // What a small message takes, very roughly: from it the length of a repetition is chosen.
  virtual int64_t TypicalNs() const = 0;

  // Only the first call does anything.
  void Open(Side side) {
    if (!std::exchange(is_open_, true)) OpenSide(side);
  }

  // Sends one message, in pieces if the wire carries no message that large.
  virtual void Send(std::span<const std::byte> message) = 0;

  // Receives `count` messages of message.size() bytes, each into `message`.
  virtual void Receive(std::span<std::byte> message, uint64_t count) = 0;

 private:
  virtual void OpenSide(Side side) = 0;

  bool is_open_ = false;
};

}  // namespace tombolo::bench

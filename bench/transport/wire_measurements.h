// What is measured of every wire: half of a round trip, and messages per second in one direction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "bench/transport/measurement.h"
#include "bench/transport/wire.h"

namespace tombolo::bench {

// A message goes there and back; the time of one way in nanoseconds.
class WireLatency final : public Measurement {
 public:
  WireLatency(std::shared_ptr<Wire> wire, size_t message_bytes);

  void Prepare(Side side) override { wire_->Open(side); }
  double Lead() override;
  void Follow() override;

 private:
  std::shared_ptr<Wire> wire_;
  std::vector<std::byte> message_;
  uint64_t round_trips_;
};

// As many messages as go through in one direction, per second. The time ends when the last one has
// been received.
class WireRate final : public Measurement {
 public:
  WireRate(std::shared_ptr<Wire> wire, size_t message_bytes);

  void Prepare(Side side) override { wire_->Open(side); }
  double Lead() override;
  void Follow() override;

 private:
  std::shared_ptr<Wire> wire_;
  std::vector<std::byte> message_;
  std::vector<std::byte> receipt_;
  uint64_t count_;
};

}  // namespace tombolo::bench

// Two POSIX message queues, one in each direction, with the sizes that Linux allows everybody.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "bench/transport/wire.h"

namespace tombolo::bench {

class QueueWire final : public Wire {
 public:
  QueueWire();

  std::string Name() const override { return "mqueue"; }
  int64_t TypicalNs() const override { return 10'000; }
  void Send(std::span<const std::byte> message) override;
  void Receive(std::span<std::byte> message, uint64_t count) override;

 private:
  void OpenSide(Side side) override;
  void ReceiveOne(std::span<std::byte> message);

  int to_follow_;  // Never closed: a bench ends soon.
  int to_lead_;
  int outgoing_ = -1;
  int incoming_ = -1;
};

}  // namespace tombolo::bench

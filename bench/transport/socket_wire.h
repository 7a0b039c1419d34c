// A connected pair of sockets with blocking calls: what a program would use instead on one host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "bench/transport/wire.h"
#include "transport/base/unique_fd.h"

namespace tombolo::bench {

class SocketWire final : public Wire {
 public:
  static std::shared_ptr<Wire> UnixStream();
  static std::shared_ptr<Wire> UnixSeqpacket();
  static std::shared_ptr<Wire> LoopbackTcp();

  std::string Name() const override { return name_; }
  int64_t TypicalNs() const override { return 10'000; }
  void Send(std::span<const std::byte> message) override;
  void Receive(std::span<std::byte> message, uint64_t count) override;

 private:
  // `largest_piece_bytes`: what one call may send.
  SocketWire(std::string name, UniqueFd lead, UniqueFd follow, size_t largest_piece_bytes);

  void OpenSide(Side side) override;
  void ReceiveOne(std::span<std::byte> message);

  std::string name_;
  UniqueFd lead_;
  UniqueFd follow_;
  size_t largest_piece_bytes_;
  int own_ = -1;
};

}  // namespace tombolo::bench

// TunDevice: a network interface of this machine whose packets a program reads and writes (Linux'
// TUN). It is there, with its address and the route to its subnet, as long as the object is.
//
// Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "control/net/subnet.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control {

struct TunOptions {
  std::string interface;
  uint32_t address = 0;
  Subnet subnet;
  uint32_t mtu_bytes = 0;
};

class TunDevice {
 public:
  // In the network namespace of this process, which needs CAP_NET_ADMIN there. PermissionDenied,
  // NotFound (no /dev/net/tun) and AlreadyExists (the interface's name) say what to do.
  static absl::StatusOr<TunDevice> Create(const TunOptions& options);

  // What reads and writes frames as an interface does; for tests.
  static TunDevice Adopt(UniqueFd fd) { return TunDevice(std::move(fd)); }

  // Whether the interface has the member's address of IPv6 too.
  bool HasIpv6() const { return has_ipv6_; }

  // Readable when there is a packet.
  int Fd() const { return fd_.Get(); }

  // One frame (packet_check.h) into `room`; 0 when there is none. What has no room is cut off.
  size_t Read(std::span<std::byte> room);

  // The last Read() found that somebody has removed the interface.
  bool IsGone() const { return is_gone_; }

  // One frame, which is `head` and then `rest`. False: the kernel does not take it, because the
  // interface is down, memory is short, or an open checksum lies outside of the packet.
  bool Write(std::span<const std::byte> head, std::span<const std::byte> rest);

 private:
  explicit TunDevice(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
  bool has_ipv6_ = false;
  bool is_gone_ = false;
};

}  // namespace tombolo::control

// Session: the talk with one QEMU about one PciDevice, by vfio-user: a message in, its answer out.
// No sockets and no loop: connection.h has them, and the fuzzer has none.
//
// The talk begins with the version. Of the guest's memory, which QEMU offers (DMA_MAP), the device
// takes none: the answer is yes, and the descriptor is closed.
//
// What it assumes of QEMU: nothing. What makes no sense within a message is answered by an error;
// what makes the stream unreadable, or comes before the version, ends the session. Nothing is
// allocated by what a message says: neither message nor answer has more than kMostMessageBytes.
//
// Thread safety: one thread. The device must outlive it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/vfio_user/pci_device.h"
#include "control/vfio_user/wire.h"
#include "transport/base/unique_fd.h"

namespace tombolo::control::vfio_user {

// Of a read or write; QEMU is told. A guest's own accesses have at most 8.
inline constexpr uint32_t kMostDataBytes = 4096;
inline constexpr uint32_t kMostMessageBytes = 2 * kMostDataBytes;
// Of one message; QEMU is told.
inline constexpr size_t kMostFds = 16;

struct Answer {
  std::vector<std::byte> bytes;  // Empty: QEMU wants none.
  int fd = -1;                   // To be sent along; stays the device's.
};

// How many bytes the message has that begins with `header`. InvalidArgument: it is no command, or
// has fewer than a header or more than kMostMessageBytes; then the stream is of no more use.
absl::StatusOr<uint32_t> MessageBytes(const Header& header);

class Session {
 public:
  explicit Session(PciDevice& device) : device_(&device) {}

  // `message` is one whole message, of MessageBytes(). InvalidArgument: the session is over.
  absl::StatusOr<Answer> Handle(std::span<const std::byte> message, std::vector<UniqueFd> fds);

 private:
  using Payload = std::span<const std::byte>;
  using Bytes = std::vector<std::byte>;

  // Each gives the payload of the answer, or what is wrong with the request.
  absl::StatusOr<Bytes> Perform(uint16_t command, Payload payload, std::vector<UniqueFd>& fds);
  absl::StatusOr<Bytes> Negotiate(Payload payload);
  absl::StatusOr<Bytes> MapDma(Payload payload) const;
  absl::StatusOr<Bytes> UnmapDma(Payload payload) const;
  absl::StatusOr<Bytes> DescribeDevice(Payload payload) const;
  absl::StatusOr<Bytes> DescribeRegion(Payload payload);
  absl::StatusOr<Bytes> DescribeIrq(Payload payload) const;
  absl::StatusOr<Bytes> SetInterrupts(Payload payload, std::vector<UniqueFd>& fds);
  absl::StatusOr<Bytes> ReadRegion(Payload payload);
  absl::StatusOr<Bytes> WriteRegion(Payload payload);
  absl::Status CheckAccess(const RegionAccess& access) const;

  PciDevice* const device_;
  bool has_version_ = false;
  int answer_fd_ = -1;
};

}  // namespace tombolo::control::vfio_user

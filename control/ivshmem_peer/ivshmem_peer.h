// IvshmemPeer: this process as a peer of any ivshmem memory: bytes, an ID, and doorbells. There
// need be no Tombolo in it and no daemon; what the bytes mean is the users' business.
//
// Two kinds: ServerPeer is a client of the server's socket, on the host; DevicePeer uses the device
// of a guest. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/base/memory_type.h"

namespace tombolo::control {

enum class Access { kRead, kReadAndWrite };

class IvshmemPeer {
 public:
  IvshmemPeer() = default;
  IvshmemPeer(const IvshmemPeer&) = delete;
  IvshmemPeer& operator=(const IvshmemPeer&) = delete;
  virtual ~IvshmemPeer() = default;

  virtual uint32_t Id() const = 0;

  // All of it, mapped for as long as this object lives. With kRead a store may fault.
  virtual absl::StatusOr<std::span<std::byte>> Memory(Access access) = 0;
  virtual MemoryType Type() const = 0;

  // Rings vector `vector` of `peer`, once. NotFound, from a server only: there is no such peer or
  // vector; a device does not know. InvalidArgument: no device could ring that.
  virtual absl::Status Ring(uint32_t peer, uint32_t vector) = 0;

  // Begins to hear the own doorbell of `vector`. NotFound: there is none; FailedPrecondition: this
  // device has no interrupts.
  virtual absl::Status Listen(uint32_t vector) = 0;

  // After Listen(): how often it was rung since; waits until it was, at most `timeout_ns`. 0: that
  // is over. Unavailable: the server has gone.
  virtual absl::StatusOr<uint64_t> Await(int64_t timeout_ns) = 0;

  // What can be told of the peers, for people: lines, each with its end.
  virtual absl::StatusOr<std::string> Describe() = 0;
};

}  // namespace tombolo::control

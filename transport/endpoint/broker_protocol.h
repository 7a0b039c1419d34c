// What a process and its broker say to each other over `broker.sock`, a SOCK_SEQPACKET Unix socket
// of one machine. One packet per message, little-endian as the machine is; both sides come from one
// build or refuse.
//
// A connection is one endpoint:
//   1. kAttach           -> reply with {memory, wake-up} descriptors, where the memory's kind says
//                              so with {registers} too, or an error and the end
//   2. kDoorbell, 0..n   -> reply with {eventfd of (slot, vector)}; host brokers only
//      kOpenService,     -> reply; this endpoint writes the memory of a named service from now on,
//                              until it ends
//      kCloseService     -> reply; the service and its memory are free. Not while somebody writes
//      it
//   3. kDetach           -> reply; "I hold nothing of the region any more"
// A closed connection without kDetach means only that the endpoint is about to go: its memory is
// freed when its process is proven dead (pidfd). The broker takes the pid from SO_PEERCRED, never
// from the message.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tombolo {

inline constexpr uint32_t kBrokerMagic = 0x4b524254;  // "TBRK"
inline constexpr uint16_t kBrokerVersion = 3;
inline constexpr size_t kBrokerNameBytes = 32;
inline constexpr size_t kBrokerTextBytes = 192;

enum class BrokerOp : uint16_t {
  kAttach = 1,
  kDoorbell = 2,
  kDetach = 3,
  kOpenService = 4,
  kCloseService = 5,
};

// What the first descriptor of an attach reply is.
enum class BrokerMemory : uint16_t {
  kMemfd = 1,       // The region itself; doorbells are eventfds, asked for with kDoorbell.
  kVfioDevice = 2,  // A vfio device: BAR2 is the region, BAR0 has the doorbell register.
  kSysfs = 3,       // The file of BAR2 in sysfs; that of BAR0 is the third descriptor.
  kModule = 4,      // A file of the kernel module (guest/module), which maps and rings.
};

// How many descriptors an attach reply has.
constexpr size_t AttachDescriptors(BrokerMemory memory) {
  return memory == BrokerMemory::kSysfs ? 3 : 2;
}

struct BrokerRequest {
  uint32_t magic = kBrokerMagic;
  uint16_t version = kBrokerVersion;
  BrokerOp op = BrokerOp::kAttach;
  uint16_t slot = 0;    // kDoorbell.
  uint16_t vector = 0;  // kDoorbell.
  uint32_t reserved = 0;
  // Zero-padded. kAttach: who is it, for people; kOpenService, kCloseService: which service.
  char name[kBrokerNameBytes] = {};
};

struct BrokerReply {
  uint32_t magic = kBrokerMagic;
  uint16_t version = kBrokerVersion;
  BrokerOp op = BrokerOp::kAttach;
  int32_t code = 0;  // absl::StatusCode; text says why when it is not 0.
  BrokerMemory memory = BrokerMemory::kMemfd;
  uint16_t slot = 0;
  uint16_t vector =
      0;  // The endpoint's own: its wake-up descriptor is the eventfd of (slot, vector).
  uint16_t service_index = 0;  // kOpenService.
  uint32_t endpoint_index = 0;
  uint32_t endpoint_incarnation = 0;
  uint32_t service_incarnation = 0;  // kOpenService.
  uint64_t memory_bytes = 0;         // Size of the region.
  uint64_t memory_offset = 0;        // To mmap the region from the first descriptor.
  uint64_t registers_offset = 0;     // kVfioDevice, kSysfs: where BAR0 begins in its file.
  char text[kBrokerTextBytes] = {};
};

static_assert(sizeof(BrokerRequest) == 48);
static_assert(sizeof(BrokerReply) == 56 + kBrokerTextBytes);

}  // namespace tombolo

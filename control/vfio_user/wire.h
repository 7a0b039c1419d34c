// vfio-user on the wire, as far as a PCI device needs it that does no DMA: the protocol by which
// QEMU (vfio-user-pci, from 10.1 on) uses a device in another process. Its specification is QEMU's
// docs/interop/vfio-user.rst; payloads are the structs of the kernel's vfio.
//
// A message is a Header and a payload, on a stream; integers are the machine's own, little-endian
// here. Descriptors travel with a message's first byte.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tombolo::control::vfio_user {

// What both sides must speak. A higher minor version makes QEMU refuse the device.
inline constexpr uint16_t kMajorVersion = 0;
inline constexpr uint16_t kMinorVersion = 0;

enum Command : uint16_t {
  kVersion = 1,
  kDmaMap = 2,
  kDmaUnmap = 3,
  kDeviceInfo = 4,
  kRegionInfo = 5,
  kIrqInfo = 7,
  kSetIrqs = 8,
  kRegionRead = 9,
  kRegionWrite = 10,
  kDeviceReset = 13,
};

// Flags of a Header.
inline constexpr uint32_t kTypeMask = 0xf;
inline constexpr uint32_t kTypeCommand = 0;
inline constexpr uint32_t kTypeReply = 1;
inline constexpr uint32_t kNoReply = 0x10;
inline constexpr uint32_t kError = 0x20;

struct Header {
  uint16_t message_id;
  uint16_t command;
  uint32_t size_bytes;  // Of the whole message.
  uint32_t flags;
  uint32_t error;  // An errno value, with kError.
};
static_assert(sizeof(Header) == 16);

struct Version {
  uint16_t major;
  uint16_t minor;
  // JSON with a zero at its end follows.
};
static_assert(sizeof(Version) == 4);

struct DmaMap {
  uint32_t argument_bytes;
  uint32_t flags;
  uint64_t offset;
  uint64_t address;
  uint64_t size_bytes;
};
static_assert(sizeof(DmaMap) == 32);

struct DmaUnmap {
  uint32_t argument_bytes;
  uint32_t flags;
  uint64_t address;
  uint64_t size_bytes;
};
static_assert(sizeof(DmaUnmap) == 24);

struct DeviceInfo {
  uint32_t argument_bytes;
  uint32_t flags;
  uint32_t region_count;
  uint32_t irq_count;
};
static_assert(sizeof(DeviceInfo) == 16);
inline constexpr uint32_t kDeviceCanReset = 1;
inline constexpr uint32_t kDeviceIsPci = 2;

// Regions of a PCI device: its BARs, then these.
inline constexpr uint32_t kBarCount = 6;
inline constexpr uint32_t kConfigRegion = 7;
inline constexpr uint32_t kRegionCount = 9;

struct RegionInfo {
  uint32_t argument_bytes;  // Of the caller's room; in a reply: what it takes.
  uint32_t flags;
  uint32_t index;
  uint32_t capability_offset;
  uint64_t size_bytes;
  uint64_t offset;  // Of the region in the descriptor that comes with it.
};
static_assert(sizeof(RegionInfo) == 32);
inline constexpr uint32_t kRegionReadable = 1;
inline constexpr uint32_t kRegionWritable = 2;
inline constexpr uint32_t kRegionMappable = 4;
inline constexpr uint32_t kRegionHasCapabilities = 8;

// The capability that names the only parts of a region that may be mapped.
struct SparseAreas {
  uint16_t id;
  uint16_t version;
  uint32_t next;
  uint32_t area_count;
  uint32_t reserved;
};
static_assert(sizeof(SparseAreas) == 16);
inline constexpr uint16_t kSparseAreasId = 1;
inline constexpr uint16_t kSparseAreasVersion = 1;

struct Area {
  uint64_t offset;
  uint64_t size_bytes;
};
static_assert(sizeof(Area) == 16);

inline constexpr uint32_t kMsixIrq = 2;
inline constexpr uint32_t kIrqCount = 5;

struct IrqInfo {
  uint32_t argument_bytes;
  uint32_t flags;
  uint32_t index;
  uint32_t count;
};
static_assert(sizeof(IrqInfo) == 16);
inline constexpr uint32_t kIrqByEventfd = 1;
inline constexpr uint32_t kIrqNoResize = 8;

struct SetIrqs {
  uint32_t argument_bytes;
  uint32_t flags;
  uint32_t index;
  uint32_t start;
  uint32_t count;
};
static_assert(sizeof(SetIrqs) == 20);
inline constexpr uint32_t kIrqDataNone = 1;
inline constexpr uint32_t kIrqDataEventfd = 4;
inline constexpr uint32_t kIrqActionTrigger = 32;

struct RegionAccess {
  uint64_t offset;
  uint32_t region;
  uint32_t size_bytes;
  // The data follows: in a write, and in the reply to a read.
};
static_assert(sizeof(RegionAccess) == 16);

}  // namespace tombolo::control::vfio_user

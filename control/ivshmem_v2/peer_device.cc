#include "control/ivshmem_v2/peer_device.h"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "control/ivshmem_v2/config_space.h"
#include "transport/base/ring_eventfd.h"

namespace tombolo::control {
namespace {

constexpr uint32_t kRegisterBar = 0, kMsixBar = 1, kMemoryBar = 2;
constexpr char kEventfdLink[] = "anon_inode:[eventfd]";

std::optional<V2Space> SpaceOf(uint32_t region) {
  switch (region) {
    case kRegisterBar:
      return V2Space::kRegisters;
    case kMsixBar:
      return V2Space::kMsix;
    case kMemoryBar:
      return V2Space::kMemory;
    case vfio_user::kConfigRegion:
      return V2Space::kConfig;
    default:
      return std::nullopt;
  }
}

uint64_t SizeOf(V2Space space, const V2Sections& sections) {
  switch (space) {
    case V2Space::kRegisters:
      return kRegisterBarBytes;
    case V2Space::kMsix:
      return kMsixBarBytes;
    case V2Space::kMemory:
      return ConfigSpace::MemoryBarBytes(sections);
    case V2Space::kConfig:
      return kConfigBytes;
  }
  return 0;
}

// A pipe or a file on a network could make whoever writes wait.
bool MakeNonBlockingEventfd(int fd) {
  std::error_code error;
  const auto target = std::filesystem::read_symlink(absl::StrCat("/proc/self/fd/", fd), error);
  if (error || target != kEventfdLink) return false;
  const int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

}  // namespace

PeerDevice::PeerDevice(V2Bus& bus, uint32_t peer, int memory_fd, V2Mappable mappable)
    : bus_(bus),
      peer_(peer),
      memory_fd_(memory_fd),
      mappable_(mappable),
      eventfds_(bus.Vectors()) {}

vfio_user::PciRegion PeerDevice::Region(uint32_t region) const {
  const std::optional<V2Space> space = SpaceOf(region);
  if (!space) return {};
  vfio_user::PciRegion described;
  described.size_bytes = SizeOf(*space, bus_.Sections());
  if (space == V2Space::kMemory) {
    described.mappable = MappableAreas();
    described.fd = memory_fd_;
  }
  return described;
}

void PeerDevice::Read(uint32_t region, uint64_t offset, std::span<std::byte> bytes) {
  if (const std::optional<V2Space> space = SpaceOf(region)) {
    bus_.Read(peer_, *space, offset, bytes);
  } else {
    std::ranges::fill(bytes, std::byte{0});
  }
}

void PeerDevice::Write(uint32_t region, uint64_t offset, std::span<const std::byte> bytes) {
  if (const std::optional<V2Space> space = SpaceOf(region)) {
    bus_.Write(peer_, *space, offset, bytes);
  }
}

void PeerDevice::SetVector(uint32_t vector, UniqueFd eventfd) {
  if (eventfd.IsOpen() && !MakeNonBlockingEventfd(eventfd.Get())) eventfd.Reset();
  eventfds_[vector] = std::move(eventfd);
}

void PeerDevice::Interrupt(uint16_t vector) const {
  const UniqueFd& eventfd = eventfds_[vector];
  if (eventfd.IsOpen()) RingEventfd(eventfd.Get());
}

void PeerDevice::ForgetVectors() {
  for (UniqueFd& eventfd : eventfds_) eventfd.Reset();
}

std::vector<vfio_user::Area> PeerDevice::MappableAreas() const {
  const V2Sections& sections = bus_.Sections();
  const uint64_t begin = sections.RwOffset();
  if (mappable_ == V2Mappable::kEverything) {
    return {{.offset = begin, .size_bytes = sections.TotalBytes() - begin}};
  }
  std::vector<vfio_user::Area> areas;
  if (sections.rw_bytes > 0) areas.push_back({.offset = begin, .size_bytes = sections.rw_bytes});
  areas.push_back({.offset = sections.OutputOffset(peer_), .size_bytes = sections.output_bytes});
  return areas;
}

}  // namespace tombolo::control

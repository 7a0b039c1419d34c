#include "control/daemon/host_region.h"

#include <errno.h>
#include <sys/random.h>

#include <cstddef>
#include <cstdint>
#include <fstream>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "transport/base/errno_status.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

// What the kernel thinks can be had without swapping; 0 when it does not tell.
uint64_t AvailableBytes() {
  std::ifstream file("/proc/meminfo");
  std::string name, unit;
  uint64_t size_kib;
  while (file >> name >> size_kib) {
    if (name == "MemAvailable:") return size_kib * kKiB;
    std::getline(file, unit);
  }
  return 0;
}

// SUBTLE: the kernel gives a memfd all the memory that there is and calls the OOM killer only then,
// so an excessive size has to be refused before.
absl::Status CheckMemory(uint64_t size_bytes) {
  const uint64_t available_bytes = AvailableBytes();
  if (available_bytes == 0 || size_bytes <= available_bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("the region needs ", size_bytes, " bytes of memory and this machine has ",
                   available_bytes, " to give; choose a smaller --size."));
}

// A random UUID (RFC 4122, version 4).
absl::StatusOr<RegionUuid> NewUuid() {
  RegionUuid uuid;
  if (getrandom(uuid.data(), uuid.size(), 0) != static_cast<ssize_t>(uuid.size())) {
    return ErrnoStatus(errno, "get random bytes for the region's uuid");
  }
  uuid[6] = static_cast<uint8_t>((uuid[6] & 0x0f) | 0x40);
  uuid[8] = static_cast<uint8_t>((uuid[8] & 0x3f) | 0x80);
  return uuid;
}

}  // namespace

absl::StatusOr<HostRegion> HostRegion::Create(const RegionLimits& limits) {
  if (auto geometry = ComputeGeometry(limits); !geometry.ok()) return geometry.status();
  if (auto status = CheckMemory(limits.region_bytes); !status.ok()) return status;
  absl::StatusOr<UniqueFd> memory_fd = CreateSealedMemfd("tombolo", limits.region_bytes);
  if (!memory_fd.ok()) return memory_fd.status();
  absl::StatusOr<Mapping> mapping = Mapping::Map(memory_fd->Get(), 0, limits.region_bytes);
  if (!mapping.ok()) return mapping.status();
  const absl::StatusOr<RegionUuid> uuid = NewUuid();
  if (!uuid.ok()) return uuid.status();
  const absl::StatusOr<Region> region =
      Region::Format(mapping->Bytes(), limits, *uuid, HostCacheSizes());
  if (!region.ok()) return region.status();
  return HostRegion(*std::move(memory_fd), *std::move(mapping), *region);
}

std::string HostRegion::UuidText() const {
  const RegionUuid& uuid = region_.Uuid();
  const std::string hex = absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(uuid.data()), uuid.size()));
  return absl::StrCat(hex.substr(0, 8), "-", hex.substr(8, 4), "-", hex.substr(12, 4), "-",
                      hex.substr(16, 4), "-", hex.substr(20));
}

}  // namespace tombolo::control

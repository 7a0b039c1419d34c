#include "control/daemon/host_region.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>

#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "spdlog/spdlog.h"
#include "transport/base/errno_status.h"
#include "transport/region/uuid_text.h"

namespace tombolo::control {
namespace {

constexpr int kSizeSeals = F_SEAL_SHRINK | F_SEAL_GROW;

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

// Huge pages spare the processor's translation caches, but a region without them works as well.
absl::StatusOr<UniqueFd> CreateMemory(uint64_t size_bytes, PageSize page_size) {
  absl::StatusOr<UniqueFd> memory = CreateSealedMemfd(kRegionMemfdName, size_bytes, page_size);
  if (page_size == PageSize::kNormal || !absl::IsResourceExhausted(memory.status())) return memory;
  spdlog::warn("no huge pages: {} The region has normal pages.",
               std::string(memory.status().message()));
  return CreateSealedMemfd(kRegionMemfdName, size_bytes);
}

}  // namespace

absl::StatusOr<HostRegion> HostRegion::Create(const RegionLimits& limits, PageSize page_size) {
  if (auto geometry = ComputeGeometry(limits); !geometry.ok()) return geometry.status();
  absl::StatusOr<UniqueFd> memory_fd = CreateMemory(limits.region_bytes, page_size);
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

absl::StatusOr<HostRegion> HostRegion::Adopt(UniqueFd memory_fd, const RegionLimits& limits,
                                             const RegionUuid& uuid) {
  const absl::StatusOr<uint64_t> bytes = FileBytes(memory_fd.Get());
  if (!bytes.ok()) return bytes.status();
  const int seals = fcntl(memory_fd.Get(), F_GET_SEALS);
  if (*bytes != limits.region_bytes || seals < 0 || (seals & kSizeSeals) != kSizeSeals) {
    return absl::FailedPreconditionError(
        absl::StrCat("the kept region has ", *bytes, " bytes and seals ", seals, "; expected ",
                     limits.region_bytes, " bytes and seals against any other size."));
  }
  absl::StatusOr<Mapping> mapping = Mapping::Map(memory_fd.Get(), 0, limits.region_bytes);
  if (!mapping.ok()) return mapping.status();
  // It writes the header's words only, with the values that they have had all the time.
  const absl::StatusOr<Region> region =
      Region::Format(mapping->Bytes(), limits, uuid, HostCacheSizes());
  if (!region.ok()) return region.status();
  return HostRegion(std::move(memory_fd), *std::move(mapping), *region);
}

std::string HostRegion::UuidText() const { return tombolo::UuidText(region_.Uuid()); }

}  // namespace tombolo::control

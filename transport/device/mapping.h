// The memory below a region: a sealed memfd made by the daemon, and the mapping of such a file or
// of a PCI BAR.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"
#include "transport/base/unique_fd.h"

namespace tombolo {

// The name of the daemon's memfd, by which a region is found in /proc when the daemon is no more.
inline constexpr char kRegionMemfdName[] = "tombolo";

enum class PageSize { kNormal, kHuge };

// A memfd of `size_bytes`, allocated in full and sealed against any change of size: a file that
// shrinks would kill every QEMU that maps it with SIGBUS. ResourceExhausted when the memory is not
// there, or not in huge pages (of the system's default size) when those are asked for.
absl::StatusOr<UniqueFd> CreateSealedMemfd(std::string_view name, uint64_t size_bytes,
                                           PageSize page_size = PageSize::kNormal);

// A shared mapping, unmapped at the end of its life and not inherited by fork: a child
// must not hold memory on behalf of an endpoint that it is not.
class Mapping {
 public:
  // Maps `size_bytes` of `fd` from `offset_bytes`, to read and to write. The descriptor may be
  // closed afterwards.
  static absl::StatusOr<Mapping> Map(int fd, uint64_t offset_bytes, uint64_t size_bytes);

  // The same for whoever only looks: a write faults.
  static absl::StatusOr<Mapping> MapReadOnly(int fd, uint64_t offset_bytes, uint64_t size_bytes);

  Mapping() = default;
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping();

  std::span<std::byte> Bytes() const { return bytes_; }

 private:
  explicit Mapping(std::span<std::byte> bytes) : bytes_(bytes) {}

  static absl::StatusOr<Mapping> Map(int fd, uint64_t offset_bytes, uint64_t size_bytes,
                                     int protection);

  std::span<std::byte> bytes_;
};

// The size of a regular file or memfd.
absl::StatusOr<uint64_t> FileBytes(int fd);

}  // namespace tombolo

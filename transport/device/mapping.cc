#include "transport/device/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"
#include "transport/base/units.h"

namespace tombolo {
namespace {

// A number of proc(5)'s meminfo, as it stands there; nothing if it does not say.
std::optional<uint64_t> MemInfo(std::string_view wanted) {
  std::ifstream meminfo("/proc/meminfo");
  std::string line;
  while (std::getline(meminfo, line)) {
    std::istringstream words(line);
    std::string key;
    uint64_t value = 0;
    if (words >> key >> value && key == wanted) return value;
  }
  return std::nullopt;
}

// What could be allocated without swapping. Everything, if the kernel does not say.
uint64_t AvailableBytes() {
  const auto kib = MemInfo("MemAvailable:");
  return kib ? *kib * kKiB : UINT64_MAX;
}

uint64_t HugePageBytes() { return MemInfo("Hugepagesize:").value_or(2 * kKiB) * kKiB; }

constexpr uint64_t kLargePageBytes = 2 * kMiB;

// An address at which large pages of a file can be mapped as such: a multiple of their size. It is
// free at the moment, and a hint: the mapping is as good elsewhere, and slower. Null: anywhere.
void* RoomForLargePages(uint64_t size_bytes) {
  if (size_bytes < kLargePageBytes) return nullptr;
  const uint64_t room_bytes = size_bytes + kLargePageBytes;
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void* room = mmap(nullptr, room_bytes, PROT_NONE, kFlags, -1, 0);
  if (room == MAP_FAILED) return nullptr;
  munmap(room, room_bytes);
  const auto end = reinterpret_cast<uintptr_t>(room) + kLargePageBytes - 1;
  return reinterpret_cast<void*>(end - end % kLargePageBytes);
}

absl::Status TooFewHugePages(uint64_t size_bytes) {
  const uint64_t page_bytes = HugePageBytes();
  if (size_bytes % page_bytes != 0) {
    return absl::ResourceExhaustedError(absl::StrCat("the region's ", size_bytes,
                                                     " bytes are not whole huge pages of ",
                                                     page_bytes, "; choose a larger --size."));
  }
  return absl::ResourceExhaustedError(
      absl::StrCat("the region needs ", size_bytes / page_bytes, " huge pages of ",
                   page_bytes / kMiB, " MiB and ", MemInfo("HugePages_Free:").value_or(0),
                   " are free; raise vm.nr_hugepages (sysctl), or leave out --huge-pages."));
}

absl::Status TooLittleMemory(uint64_t size_bytes) {
  return absl::ResourceExhaustedError(absl::StrCat(
      "the region needs ", size_bytes,
      " bytes of memory and the system has less to give; see `free -b` and the limits of "
      "this container, or choose a smaller --size."));
}

}  // namespace

absl::StatusOr<UniqueFd> CreateSealedMemfd(std::string_view name, uint64_t size_bytes,
                                           PageSize page_size) {
  const bool is_huge = page_size == PageSize::kHuge;
  if (is_huge && size_bytes % HugePageBytes() != 0) return TooFewHugePages(size_bytes);
  // SUBTLE: a memfd has no limit of its own, so an allocation larger than memory does not fail: the
  // kernel kills other processes to make room for it. Hence the look before.
  if (!is_huge && size_bytes > AvailableBytes()) return TooLittleMemory(size_bytes);
  const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING | (is_huge ? MFD_HUGETLB : 0);
  UniqueFd fd(memfd_create(std::string(name).c_str(), flags));
  if (!fd.IsOpen() && is_huge) return TooFewHugePages(size_bytes);
  if (!fd.IsOpen()) return ErrnoStatus(errno, "create the region's memfd");
  int error;
  do {
    error = posix_fallocate(fd.Get(), 0, static_cast<off_t>(size_bytes));
  } while (error == EINTR);
  if (error == ENOSPC || error == ENOMEM) {
    return is_huge ? TooFewHugePages(size_bytes) : TooLittleMemory(size_bytes);
  }
  if (error != 0) return ErrnoStatus(error, absl::StrCat("allocate ", size_bytes, " bytes"));
  if (fcntl(fd.Get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return ErrnoStatus(errno, "seal the region's memfd");
  }
  return fd;
}

absl::StatusOr<Mapping> Mapping::Map(int fd, uint64_t offset_bytes, uint64_t size_bytes) {
  return Map(fd, offset_bytes, size_bytes, PROT_READ | PROT_WRITE);
}

absl::StatusOr<Mapping> Mapping::MapReadOnly(int fd, uint64_t offset_bytes, uint64_t size_bytes) {
  return Map(fd, offset_bytes, size_bytes, PROT_READ);
}

absl::StatusOr<Mapping> Mapping::Map(int fd, uint64_t offset_bytes, uint64_t size_bytes,
                                     int protection) {
  void* base = mmap(RoomForLargePages(size_bytes), size_bytes, protection, MAP_SHARED, fd,
                    static_cast<off_t>(offset_bytes));
  if (base == MAP_FAILED) {
    return ErrnoStatus(errno, absl::StrCat("map ", size_bytes, " bytes of the region"));
  }
  madvise(base, size_bytes, MADV_DONTFORK);
  return Mapping({static_cast<std::byte*>(base), size_bytes});
}

Mapping::Mapping(Mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

Mapping::~Mapping() {
  if (!bytes_.empty()) munmap(bytes_.data(), bytes_.size());
}

absl::StatusOr<uint64_t> FileBytes(int fd) {
  struct stat info;
  if (fstat(fd, &info) != 0) return ErrnoStatus(errno, "ask for the size of the region's file");
  return static_cast<uint64_t>(info.st_size);
}

}  // namespace tombolo

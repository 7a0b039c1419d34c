#include "kvcache/server/window_device.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "transport/device/ivshmem_registers.h"
#include "transport/device/sysfs/sysfs_device.h"

namespace tombolo::kvcache {
namespace {

namespace fs = std::filesystem;

// 0 when it is not there, or is no number.
uint32_t HexIn(const fs::path& path) {
  uint32_t number = 0;
  std::ifstream(path) >> std::hex >> number;
  return number;
}

// The kernel has a file for each region of a device. Region 1 is MSI-X, which ivshmem-doorbell
// alone has.
bool IsPlain(const fs::path& device) {
  std::error_code error;
  return HexIn(device / "vendor") == kIvshmemVendorId &&
         HexIn(device / "device") == kIvshmemDeviceId && fs::exists(device / "resource2", error) &&
         !fs::exists(device / "resource1", error);
}

}  // namespace

absl::StatusOr<std::string> FindWindow(const std::string& sys) {
  const fs::path devices = fs::path(sys) / "bus/pci/devices";
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator it(devices, error), end; !error && it != end; it.increment(error)) {
    if (IsPlain(it->path())) found.push_back((it->path() / kMemoryResource).string());
  }
  std::ranges::sort(found);
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    return absl::NotFoundError(absl::StrCat(
        "--window auto: there is no ivshmem-plain device (PCI 1af4:1110) below ", devices.string(),
        ". Give this virtual machine one that shows the memory file, as "
        "kvcache/README.md says; a process of the host names the memory file."));
  }
  return absl::FailedPreconditionError(
      absl::StrCat("--window auto: there are ", found.size(),
                   " ivshmem-plain devices. Name one: ", absl::StrJoin(found, ", "), "."));
}

}  // namespace tombolo::kvcache

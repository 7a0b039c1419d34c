#include "transport/device/vfio/driver_binding.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <string_view>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "transport/base/errno_status.h"
#include "transport/base/unique_fd.h"

namespace tombolo {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDriver = "vfio-pci";

absl::Status WriteSysfs(const fs::path& path, std::string_view text) {
  const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (fd.IsOpen() && write(fd.Get(), text.data(), text.size()) >= 0) return absl::OkStatus();
  const absl::Status status = ErrnoStatus(
      errno,
      absl::StrCat("write '", absl::string_view(text.data(), text.size()), "' to ", path.string()));
  if (!absl::IsPermissionDenied(status)) return status;
  return absl::PermissionDeniedError(absl::StrCat(status.message(), ". Run this program as root."));
}

fs::path DeviceFolder(const SystemPaths& paths, const std::string& address) {
  return fs::path(paths.sys) / "bus/pci/devices" / address;
}

// The name of the driver that holds the device, or "".
std::string CurrentDriver(const fs::path& device) {
  std::error_code error;
  return fs::read_symlink(device / "driver", error).filename().string();
}

absl::Status NoIommu(const std::string& address) {
  return absl::FailedPreconditionError(absl::StrCat(
      "the device ", address,
      " is in no IOMMU group, and vfio needs one. Start QEMU with `-M q35,kernel-irqchip=split "
      "-device intel-iommu,intremap=on`, and the guest's kernel with `intel_iommu=on`."));
}

}  // namespace

absl::Status BindToVfio(const SystemPaths& paths, const std::string& address) {
  const fs::path driver = fs::path(paths.sys) / "bus/pci/drivers" / kDriver;
  const fs::path device = DeviceFolder(paths, address);
  const std::string holder = CurrentDriver(device);
  if (holder == kDriver) return absl::OkStatus();
  std::error_code error;
  if (!fs::exists(driver, error)) {
    return absl::FailedPreconditionError(
        "the kernel module vfio-pci is not loaded; run `modprobe vfio-pci` first.");
  }
  if (auto group = IommuGroup(paths, address); !group.ok()) {
    return group.status();
  }
  if (auto status = WriteSysfs(device / "driver_override", kDriver); !status.ok()) return status;
  if (!holder.empty()) {
    if (auto status = WriteSysfs(device / "driver/unbind", address); !status.ok()) return status;
  }
  return WriteSysfs(driver / "bind", address);
}

absl::StatusOr<std::string> IommuGroup(const SystemPaths& paths, const std::string& address) {
  std::error_code error;
  const fs::path link = fs::read_symlink(DeviceFolder(paths, address) / "iommu_group", error);
  if (error) return NoIommu(address);
  return link.filename().string();
}

}  // namespace tombolo

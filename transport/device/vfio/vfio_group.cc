#include "transport/device/vfio/vfio_group.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "transport/base/errno_status.h"

namespace tombolo {
namespace {

absl::Status OpenError(int error, const std::string& path) {
  switch (error) {
    case ENOENT:
    case ENODEV:
      return absl::FailedPreconditionError(absl::StrCat(
          "there is no ", path,
          ": the kernel modules vfio-pci and vfio_iommu_type1 are not loaded, or the device is not "
          "bound to vfio-pci. Run `modprobe -a vfio-pci vfio_iommu_type1`."));
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(
          absl::StrCat("this user may not open ", path, ". Run this program as root."));
    case EBUSY:
      return absl::UnavailableError(absl::StrCat(
          path,
          " is held by another process, and a vfio group has one opener. Either another "
          "tombolo-agent runs in this guest, or processes that were attached to one that has "
          "ended still do: end them (`grep -l vfio-device /proc/[0-9]*/maps` finds them)."));
    default:
      return ErrnoStatus(error, absl::StrCat("open ", path));
  }
}

absl::StatusOr<UniqueFd> OpenFile(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd.IsOpen()) return OpenError(errno, path);
  return fd;
}

absl::Status CheckContainer(int container) {
  const int version = ioctl(container, VFIO_GET_API_VERSION);
  if (version == VFIO_API_VERSION && ioctl(container, VFIO_CHECK_EXTENSION, VFIO_TYPE1_IOMMU) > 0) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat("vfio has API version ", version, " (expected ", VFIO_API_VERSION,
                   ") or no type 1 IOMMU. Run `modprobe vfio_iommu_type1`."));
}

absl::Status CheckViable(int group, const std::string& path) {
  vfio_group_status status{.argsz = sizeof(vfio_group_status), .flags = 0};
  if (ioctl(group, VFIO_GROUP_GET_STATUS, &status) != 0) {
    return ErrnoStatus(errno, absl::StrCat("ask for the status of ", path));
  }
  if (status.flags & VFIO_GROUP_FLAGS_VIABLE) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the IOMMU group ", path,
                   " is not viable: other devices in it belong to other drivers. Put "
                   "the ivshmem device on a slot of its own (see /sys/kernel/iommu_groups)."));
}

absl::Status SetIommu(int container) {
  if (ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU) == 0) return absl::OkStatus();
  if (errno != EPERM) return ErrnoStatus(errno, "give the vfio container its IOMMU");
  return absl::FailedPreconditionError(
      "the guest has an IOMMU without interrupt remapping, so vfio refuses the device. Start QEMU "
      "with `-M q35,kernel-irqchip=split -device intel-iommu,intremap=on`.");
}

absl::Status Join(int container, int group, const std::string& path) {
  if (absl::Status status = CheckContainer(container); !status.ok()) return status;
  if (absl::Status status = CheckViable(group, path); !status.ok()) return status;
  if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) != 0) {
    return ErrnoStatus(errno, absl::StrCat("put ", path, " into a vfio container"));
  }
  return SetIommu(container);
}

}  // namespace

absl::StatusOr<VfioDescriptors> OpenVfio(const SystemPaths& paths, const std::string& group,
                                         const std::string& address) {
  absl::StatusOr<UniqueFd> container = OpenFile(paths.dev + "/vfio/vfio");
  if (!container.ok()) return container.status();
  const std::string group_path = absl::StrCat(paths.dev, "/vfio/", group);
  absl::StatusOr<UniqueFd> group_fd = OpenFile(group_path);
  if (!group_fd.ok()) return group_fd.status();
  if (auto status = Join(container->Get(), group_fd->Get(), group_path); !status.ok()) {
    return status;
  }
  UniqueFd device(ioctl(group_fd->Get(), VFIO_GROUP_GET_DEVICE_FD, address.c_str()));
  if (!device.IsOpen()) {
    return ErrnoStatus(errno, absl::StrCat("get the device ", address, " from ", group_path));
  }
  return VfioDescriptors{*std::move(container), *std::move(group_fd), std::move(device)};
}

}  // namespace tombolo

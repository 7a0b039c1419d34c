#include "transport/device/module/module_device.h"

#include <errno.h>
#include <sys/ioctl.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "guest/module/tombolo_uapi.h"
#include "transport/base/errno_status.h"
#include "transport/device/ivshmem_registers.h"

namespace tombolo {

absl::Status NoInfo(int error) {
  if (error == ENODEV) {
    return absl::NotFoundError("the ivshmem device was unplugged while its file was open.");
  }
  return ErrnoStatus(error, "ask the kernel module tombolo for the device");
}

absl::StatusOr<std::unique_ptr<ModuleDevice>> ModuleDevice::Map(UniqueFd file,
                                                                uint64_t memory_bytes) {
  tombolo_info info{};
  if (ioctl(file.Get(), TOMBOLO_GET_INFO, &info) != 0) {
    return NoInfo(errno);
  }
  if (info.window_offset != 0 || info.window_bytes < memory_bytes) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the region is said to have ", memory_bytes, " bytes, but the device's file shows ",
        info.window_bytes, " from ", info.window_offset, " on. Start tombolo-agent again."));
  }
  absl::StatusOr<Mapping> memory = Mapping::Map(file.Get(), 0, memory_bytes);
  if (!memory.ok()) return memory.status();
  return std::unique_ptr<ModuleDevice>(new ModuleDevice(std::move(file), *std::move(memory)));
}

ModuleDevice::ModuleDevice(UniqueFd file, Mapping memory)
    : file_(std::move(file)), memory_(std::move(memory)) {}

void ModuleDevice::Ring(uint16_t slot, uint16_t vector) {
  if (vector > kMaxDoorbellVector) return;
  const int error = errno;
  ioctl(file_.Get(), TOMBOLO_RING, static_cast<unsigned long>(DoorbellValue(slot, vector)));
  errno = error;  // A doorbell that cannot be rung is nobody's error.
}

}  // namespace tombolo

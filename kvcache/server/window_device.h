// What `--window auto` means: in a virtual machine, the memory of its only ivshmem-plain device.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tombolo::kvcache {

inline constexpr std::string_view kAnyWindow = "auto";

// The file of sysfs by which that memory is mapped, kMemoryResource: on arm64 it gives Normal
// memory, where whoever is shown a value in place may copy it as he likes. Opens nothing and
// changes nothing. An ivshmem-doorbell, which carries messages, is none.
//   sys: where sysfs is; tests give a folder of their own.
// NotFound: there is no such device. FailedPrecondition: there are several.
absl::StatusOr<std::string> FindWindow(const std::string& sys = "/sys");

}  // namespace tombolo::kvcache

// BootId: names one boot of one kernel, so that a guest's reboot is told from its agent's restart.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace tombolo::control {

using BootId = std::array<uint64_t, 2>;

// Of the running kernel (/proc/sys/kernel/random/boot_id).
absl::StatusOr<BootId> ReadBootId();

// "01234567-89ab-cdef-0123-456789abcdef" and back; InvalidArgument for anything else.
std::string FormatBootId(const BootId& id);
absl::StatusOr<BootId> ParseBootId(const std::string& text);

}  // namespace tombolo::control

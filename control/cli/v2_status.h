// What an ivshmem v2 device tells of itself and of its peers, as text and as JSON for `tombolo
// ivshmem2 status`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "transport/device/v2/v2_device.h"
#include "transport/device/v2/v2_sections.h"

namespace tombolo::control {

struct V2Status {
  std::string address;    // Of PCI.
  uint16_t protocol = 0;  // Of the class code.
  uint32_t vectors = 0;
  uint32_t id = 0;
  V2Sections sections;
  std::vector<uint32_t> states;  // By peer, as the state table has them.
};

// The registers and the state table. FailedPrecondition: the device is gone. The caller adds what
// they do not tell: address, protocol and vectors.
absl::StatusOr<V2Status> ReadV2Status(V2Device& device);

std::string V2StatusText(const V2Status& status, bool decorate);
// docs/cli.md has the schema. Without the end of the line.
std::string V2StatusJson(const V2Status& status);

}  // namespace tombolo::control

#include "control/agent/device_choice.h"

#include <utility>

#include "transport/device/vfio/pci_finder.h"

namespace tombolo::control {
namespace {

constexpr std::pair<std::string_view, DeviceWay> kWays[] = {
    {"vfio", DeviceWay::kVfio},
    {"module", DeviceWay::kModule},
    {"sysfs", DeviceWay::kSysfs},
    {"mem", DeviceWay::kDevmem},
};

}  // namespace

DeviceChoice ParseDeviceChoice(std::string_view text) {
  for (const auto& [name, way] : kWays) {
    if (text == name) return {way, std::string(kAnyPciDevice)};
    if (text.starts_with(name) && text.substr(name.size()).starts_with(':')) {
      return {way, std::string(text.substr(name.size() + 1))};
    }
  }
  return {DeviceWay::kAny, std::string(text)};
}

}  // namespace tombolo::control

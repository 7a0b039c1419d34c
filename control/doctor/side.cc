#include "control/doctor/side.h"

#include <unistd.h>

#include <optional>
#include <string>

#include "control/doctor/guest_devices.h"
#include "control/doctor/system_file.h"

namespace tombolo::control {
namespace {

// Of the firmware that QEMU gives to its machines.
constexpr char kQemuVendor[] = "QEMU";

// Only the daemon makes it.
bool DaemonServed(const Machine& machine) {
  return access((machine.runtime_dir + "/ivshmem.sock").c_str(), F_OK) == 0;
}

}  // namespace

const char* Word(Side side) { return side == Side::kHost ? "host" : "guest"; }

Side FindSide(const Machine& machine) {
  if (!IvshmemDevices(machine).empty()) return Side::kGuest;
  const std::optional<std::string> vendor =
      ReadSystemFile(machine.system.sys + "/class/dmi/id/sys_vendor");
  return vendor == kQemuVendor && !DaemonServed(machine) ? Side::kGuest : Side::kHost;
}

}  // namespace tombolo::control

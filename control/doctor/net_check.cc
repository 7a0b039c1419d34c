#include "control/doctor/net_check.h"

#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "control/doctor/system_file.h"

namespace tombolo::control {
namespace {

namespace fs = std::filesystem;

constexpr char kPrefix[] = "tombolo";  // Of tombolo0, the default, and others like it.

std::string FileOf(const fs::path& interface, const char* name) {
  return ReadSystemFile(interface / name).value_or("");
}

// The kernel's number of what an interface can do; its lowest bit is IFF_UP.
bool IsUp(const fs::path& interface) {
  return (ReadHexFile(interface / "flags").value_or(0) & 1) != 0;
}

Finding NoInterface(const Machine& machine) {
  std::error_code error;
  const bool has_tun = fs::exists(machine.system.dev + "/net/tun", error);
  return Well(absl::StrCat("no IP over the region: `tombolo net up` makes it",
                           has_tun ? "" : ", once there is a /dev/net/tun (modprobe tun)"));
}

}  // namespace

Finding CheckNet(const Machine& machine) {
  const fs::path all = fs::path(machine.system.sys) / "class/net";
  std::vector<std::string> up;
  for (const std::string& name : NamesIn(all)) {
    std::error_code error;
    if (!absl::StartsWith(name, kPrefix) || !fs::exists(all / name / "tun_flags", error)) continue;
    if (!IsUp(all / name)) {
      return Warning(absl::StrCat("the interface ", name, " is down"),
                     absl::StrCat("ip link set ", name, " up, or start `tombolo net up` again"));
    }
    up.push_back(absl::StrCat(name, " with MTU ", FileOf(all / name, "mtu")));
  }
  if (up.empty()) return NoInterface(machine);
  return Well(absl::StrCat("IP over the region: ", absl::StrJoin(up, ", "),
                           "; `tombolo net status` tells who is there"));
}

}  // namespace tombolo::control

// RegionSource: a region to look at without asking anybody, so that it works when nobody answers.
// Its mapping is read-only: whatever looks at it changes nothing.
//
// Where it is looked for, first to last:
//   1. the file that the user names: any file, /proc/PID/fd/N, a device's resource2 in sysfs
//   2. on the host, the memory of the daemon that serves the runtime folder, if one runs
//   3. the memory of any process of this machine that holds a region: a QEMU, an agent, an endpoint
//   4. in a guest, BAR2 of its ivshmem device, unless a driver has it
// Of several in 2 or 3 it is the one that the runtime folder names (uuid_file.h).
#pragma once

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "control/region_source/held_memory.h"
#include "transport/device/mapping.h"
#include "transport/device/vfio/system_paths.h"
#include "transport/region/region.h"

namespace tombolo::control {

struct RegionSearch {
  std::string file;           // Empty: look for one.
  std::string daemon_socket;  // Of the daemon whose region is meant.
  std::string runtime_dir;    // Of that daemon, running or not.
  std::string proc = "/proc";
  tombolo::SystemPaths system;
};

class RegionSource {
 public:
  // Unavailable when there is none, or none that can be opened; InvalidArgument when there are
  // several, with their names; else what Region::Attach says.
  static absl::StatusOr<RegionSource> Open(const RegionSearch& search);

  const Region& View() const { return region_; }

  // Where it was found, for people.
  const std::string& Where() const { return where_; }

 private:
  RegionSource(Mapping mapping, const Region& region, std::string where)
      : mapping_(std::move(mapping)), region_(region), where_(std::move(where)) {}

  static void KeepTheOneNamed(const RegionSearch& search, HeldMemories& held);
  static absl::StatusOr<RegionSource> OpenFile(const std::string& path, std::string where);
  static absl::StatusOr<RegionSource> OpenDevice(const RegionSearch& search);

  Mapping mapping_;
  Region region_;
  std::string where_;
};

}  // namespace tombolo::control

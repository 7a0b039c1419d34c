#include "control/region_source/region_source.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "control/region_source/held_memory.h"
#include "control/region_source/uuid_file.h"
#include "transport/base/errno_status.h"
#include "transport/base/unique_fd.h"
#include "transport/base/unix_socket.h"
#include "transport/device/vfio/pci_finder.h"
#include "transport/region/uuid_text.h"

namespace tombolo::control {
namespace {

// The process that serves `socket`; 0 when nobody does.
pid_t ServerOf(const std::string& socket) {
  const absl::StatusOr<UniqueFd> connection = ConnectUnix(socket, SOCK_STREAM);
  if (!connection.ok()) return 0;
  const absl::StatusOr<ucred> server = PeerCredentials(connection->Get());
  return server.ok() ? server->pid : 0;
}

// What the daemon holds, if it runs and may be looked into; else what anybody holds.
HeldMemories FindHeld(const RegionSearch& search) {
  if (const pid_t daemon = ServerOf(search.daemon_socket); daemon > 0) {
    HeldMemories own = FindHeldMemoriesOf(search.proc, daemon);
    if (!own.found.empty()) return own;
  }
  return FindHeldMemories(search.proc);
}

absl::Status SeveralFound(const RegionSearch& search, const HeldMemories& held) {
  std::string text = absl::StrCat(held.found.size(),
                                  " regions are in this machine's memory; say "
                                  "which one is meant:");
  for (const HeldMemory& memory : held.found) {
    absl::StrAppend(&text, "\n  --region ", memory.path, "   held by ",
                    memory.Holders(search.proc));
  }
  return absl::InvalidArgumentError(text);
}

absl::Status MayNotLook(const RegionSearch& search, pid_t server) {
  return absl::UnavailableError(
      absl::StrCat("process ", server, ", which serves ", search.daemon_socket,
                   ", has a region that only root and its own user may look into: run this as "
                   "root. `tombolo status` asks it instead."));
}

absl::Status NoneFound(const absl::Status& why_no_device, uint32_t unreadable) {
  std::string text = "no process of this machine holds a Tombolo region";
  if (unreadable != 0) {
    absl::StrAppend(&text, " that this user may see (", unreadable,
                    " processes were not looked into: try again as root)");
  }
  return absl::UnavailableError(
      absl::StrCat(text, ", and ", std::string(why_no_device.message()),
                   " On the host, start tombolod; or name a file with --region."));
}

absl::Status DeviceIsTaken(const std::string& path, const absl::Status& why) {
  return absl::UnavailableError(absl::StrCat(
      "the region is behind ", path, ", which cannot be mapped: ", std::string(why.message()),
      ". A driver has it, most likely vfio-pci for tombolo-agent. Run this command on "
      "the host, where the region is always readable, or stop the agent first."));
}

}  // namespace

absl::StatusOr<RegionSource> RegionSource::Open(const RegionSearch& search) {
  if (!search.file.empty()) return OpenFile(search.file, search.file);
  HeldMemories held = FindHeld(search);
  if (held.found.size() > 1) KeepTheOneNamed(search, held);
  if (held.found.size() > 1) return SeveralFound(search, held);
  if (held.found.size() == 1) {
    const HeldMemory& memory = held.found.front();
    return OpenFile(memory.path, absl::StrCat("held by ", memory.Holders(search.proc)));
  }
  absl::StatusOr<RegionSource> device = OpenDevice(search);
  if (!absl::IsNotFound(device.status())) return device;
  const pid_t server = held.unreadable == 0 ? 0 : ServerOf(search.daemon_socket);
  return server > 0 ? MayNotLook(search, server) : NoneFound(device.status(), held.unreadable);
}

// All of them when it is none of these, or cannot be told.
void RegionSource::KeepTheOneNamed(const RegionSearch& search, HeldMemories& held) {
  const std::string uuid = ReadUuidFile(search.runtime_dir);
  for (const HeldMemory& memory : held.found) {
    const absl::StatusOr<RegionSource> source = OpenFile(memory.path, "");
    if (!source.ok() || UuidText(source->View().Uuid()) != uuid) continue;
    held.found = {HeldMemory(memory)};
    return;
  }
}

absl::StatusOr<RegionSource> RegionSource::OpenFile(const std::string& path, std::string where) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.IsOpen()) {
    const absl::Status why = ErrnoStatus(errno, absl::StrCat("open the region at ", path));
    return absl::UnavailableError(absl::StrCat(
        std::string(why.message()),
        ". Root may open what other users' processes hold; files are named with --region."));
  }
  const absl::StatusOr<uint64_t> size_bytes = FileBytes(fd.Get());
  if (!size_bytes.ok()) return size_bytes.status();
  if (*size_bytes == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(path,
                     " is empty or no file: a region is a file, a memfd in /proc/PID/fd, or "
                     "a device's resource2 in sysfs."));
  }
  absl::StatusOr<Mapping> mapping = Mapping::MapReadOnly(fd.Get(), 0, *size_bytes);
  if (!mapping.ok()) return mapping.status();
  const absl::StatusOr<Region> region = Region::Attach(mapping->Bytes());
  if (!region.ok()) return region.status();
  return RegionSource(*std::move(mapping), *region, std::move(where));
}

absl::StatusOr<RegionSource> RegionSource::OpenDevice(const RegionSearch& search) {
  const absl::StatusOr<std::string> address = FindIvshmemPci(search.system, kAnyPciDevice);
  if (!address.ok()) return address.status();
  const std::string path =
      absl::StrCat(search.system.sys, "/bus/pci/devices/", *address, "/resource2");
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.IsOpen()) return DeviceIsTaken(path, ErrnoStatus(errno, "open it"));
  const absl::StatusOr<uint64_t> size_bytes = FileBytes(fd.Get());
  if (!size_bytes.ok()) return size_bytes.status();
  absl::StatusOr<Mapping> mapping = Mapping::MapReadOnly(fd.Get(), 0, *size_bytes);
  if (!mapping.ok()) return DeviceIsTaken(path, mapping.status());
  const absl::StatusOr<Region> region = Region::Attach(mapping->Bytes());
  if (!region.ok()) return region.status();
  return RegionSource(*std::move(mapping), *region, absl::StrCat("behind device ", *address));
}

}  // namespace tombolo::control

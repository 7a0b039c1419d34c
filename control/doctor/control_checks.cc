#include "control/doctor/control_checks.h"

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "control/cli/short_units.h"
#include "control/client/control_client.h"
#include "control/doctor/own_endpoint.h"
#include "control/registry/membership.h"
#include "control/registry/region_info.h"
#include "transport/base/units.h"
#include "transport/base/unix_socket.h"
#include "transport/endpoint/endpoint.h"
#include "transport/layout/region_header.h"

namespace tombolo::control {
namespace {

std::string Who(Side side) { return side == Side::kHost ? "tombolod" : "tombolo-agent"; }

// How to start who serves the sockets; the packages have a service for the usual folder.
std::string Start(const Machine& machine, Side side) {
  const char* start = side == Side::kHost ? "start " : "as root, start ";
  const std::string by_hand =
      absl::StrCat(start, Who(side), " --runtime-dir ", machine.runtime_dir);
  if (machine.runtime_dir != Machine().runtime_dir) return by_hand;
  return absl::StrCat("systemctl start ", Who(side), "; without the package: ", by_hand);
}

// Nobody serves `path`. Who never started is no problem yet; who left a socket behind has died.
Finding Nobody(const Machine& machine, Side side, const std::string& path,
               const absl::Status& why) {
  if (absl::IsPermissionDenied(why)) {
    return Warning(absl::StrCat("this user may not use ", path, ", so it was not seen"),
                   "run tombolo doctor as root, or as a member of the socket's group");
  }
  if (absl::IsResourceExhausted(why)) {
    return Problem(absl::StrCat(Who(side), " takes no connections at ", path, ": it hangs"),
                   absl::StrCat("end it; ", Start(machine, side)));
  }
  if (access(path.c_str(), F_OK) != 0) {
    return Warning(absl::StrCat("there is no ", path, ": ", Who(side), " has not been started"),
                   Start(machine, side));
  }
  return Problem(absl::StrCat(path, " is there, but nobody answers: ", Who(side), " has died"),
                 Start(machine, side));
}

std::string Describe(const RegionInfo& region) {
  return absl::StrCat(ShortBytes(region.size_bytes), ", ", region.slots, " slots, ", region.vectors,
                      " vectors, ", ShortBytes(region.free_bytes), " free");
}

std::chrono::milliseconds AnswerTime(const Machine& machine) {
  return std::chrono::milliseconds(machine.answer_ns / kNsPerMs);
}

Finding WrongLayout(const RegionInfo& region) {
  return Problem(absl::StrCat("the region has layout version ", region.layout_version,
                              ", this program knows ", uint32_t{kLayoutVersion}),
                 "use programs of one version on the host and in its guests");
}

// As in "slots 1 and 4 have no agent".
Finding WithoutAgent(const std::vector<uint32_t>& slots) {
  return Warning(
      absl::StrCat("virtual machines without an agent, by slot: ", absl::StrJoin(slots, ", ")),
      "start tombolo-agent there; `tombolo doctor` in such a guest tells more");
}

}  // namespace

Finding CheckControlSocket(const Machine& machine, Side side) {
  const std::string path = machine.ControlSocket();
  const absl::Status connected = ConnectUnix(path, SOCK_STREAM | SOCK_NONBLOCK).status();
  if (!connected.ok()) return Nobody(machine, side, path, connected);
  const absl::StatusOr<RegionInfo> region = ControlClient(path, AnswerTime(machine)).GetRegion();
  if (!region.ok()) {
    return Problem(std::string(region.status().message()),
                   absl::StrCat("end whoever listens at ", path, ", and start it again"));
  }
  if (region->layout_version != kLayoutVersion) return WrongLayout(*region);
  return Well(absl::StrCat(Who(side), " answers: ", Describe(*region)),
              {{"bytes", static_cast<double>(region->size_bytes)},
               {"free_bytes", static_cast<double>(region->free_bytes)},
               {"slots", region->slots},
               {"vectors", region->vectors}});
}

Finding CheckBrokerSocket(const Machine& machine, Side side) {
  const std::string path = machine.BrokerSocket();
  const absl::Status connected = ConnectUnix(path, SOCK_SEQPACKET | SOCK_NONBLOCK).status();
  if (!connected.ok()) return Nobody(machine, side, path, connected);
  const absl::StatusOr<std::unique_ptr<Endpoint>> endpoint = AttachAsDoctor(machine);
  if (!endpoint.ok()) {
    return Problem(
        absl::StrCat("processes cannot attach: ", std::string(endpoint.status().message())),
        absl::StrCat("see the log of ", Who(side)));
  }
  const EndpointId id = (*endpoint)->Id();
  const uint16_t slot = (*endpoint)->Slot();
  (*endpoint)->Detach().IgnoreError();
  return Well(absl::StrCat("processes attach at ", path, "; this one was endpoint ", id.index,
                           " in slot ", slot),
              {{"slot", slot}});
}

Finding CheckPeers(const Machine& machine) {
  const std::string path = machine.ControlSocket();
  const absl::StatusOr<PeerList> list = ControlClient(path, AnswerTime(machine)).ListPeers();
  if (!list.ok()) {
    return Warning("nobody tells who is in the region", "see control above");
  }
  std::vector<uint32_t> silent;
  size_t machines = 0;
  for (const PeerInfo& peer : list->snapshot.peers) {
    if (peer.kind == PeerKind::kHost) continue;
    ++machines;
    if (peer.state != PeerState::kReady) silent.push_back(peer.slot);
  }
  if (!silent.empty()) return WithoutAgent(silent);
  const std::map<std::string, double> numbers = {
      {"virtual_machines", static_cast<double>(machines)}};
  if (machines == 0) return Well("no virtual machine is in the region yet", numbers);
  return Well(absl::StrCat("virtual machines in the region: ", machines, ", each with an agent"),
              numbers);
}

}  // namespace tombolo::control

#include "control/cli/vm_slot.h"

#include <stdio.h>

#include <filesystem>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "control/client/control_client.h"
#include "control/registry/membership.h"
#include "control/registry/region_info.h"

namespace tombolo::control {
namespace {

absl::Status CheckSlot(uint32_t slot, const RegionInfo& region) {
  if (slot != kHostSlot && slot < region.slots) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "slot ", slot, " is not for VMs: this region's are 1 to ", region.slots - 1, "."));
}

// Absolute, because QEMU may run in another folder.
std::string SocketPath(const CliContext& context, std::optional<uint32_t> slot) {
  const std::string name = slot ? absl::StrCat("slot-", *slot, ".sock") : "ivshmem.sock";
  std::error_code failed;
  const auto folder = std::filesystem::absolute(context.runtime_dir, failed);
  const auto path = (failed ? std::filesystem::path(context.runtime_dir) : folder) / name;
  return path.lexically_normal().string();
}

// Somebody already there is worth a warning, not an error: that VM may be about to end.
std::string OccupiedSentence(ControlClient& client, std::optional<uint32_t> slot) {
  const absl::StatusOr<PeerList> list = client.ListPeers();
  if (!slot || !list.ok()) return "";
  for (const PeerInfo& peer : list->snapshot.peers) {
    if (peer.slot != *slot) continue;
    return absl::StrCat("Slot ", peer.slot, " is occupied now: a second VM is refused.");
  }
  return "";
}

}  // namespace

absl::StatusOr<VmSlot> AskForSlot(const CliContext& context, std::optional<uint32_t> slot) {
  ControlClient client(context.ControlSocket());
  const absl::StatusOr<RegionInfo> region = client.GetRegion();
  if (!region.ok()) return region.status();
  if (slot) {
    if (absl::Status good = CheckSlot(*slot, *region); !good.ok()) return good;
  }
  return VmSlot{.device = {SocketPath(context, slot), region->vectors},
                .slots = region->slots,
                .occupied = OccupiedSentence(client, slot)};
}

void PrintRemarks(const VmSlot& vm_slot, const std::vector<std::string>& remarks) {
  fflush(stdout);
  for (const std::string& remark : remarks) fprintf(stderr, "# %s\n", remark.c_str());
  if (!vm_slot.occupied.empty()) fprintf(stderr, "# %s\n", vm_slot.occupied.c_str());
}

}  // namespace tombolo::control

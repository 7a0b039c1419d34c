#include "control/cli/vm_args_command.h"

#include <stdio.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "control/cli/vm_args.h"
#include "control/client/control_client.h"
#include "control/registry/membership.h"
#include "control/registry/region_info.h"

namespace tombolo::control {
namespace {

constexpr int kSchema = 1;

struct VmArgsFlags {
  bool json = false;
  std::optional<uint32_t> slot;
  std::string format = "both";
};

absl::Status CheckSlot(uint32_t slot, const RegionInfo& region) {
  if (slot != kHostSlot && slot < region.slots) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "--slot ", slot, " is not for VMs: this region's are 1 to ", region.slots - 1, "."));
}

// Absolute, because QEMU may run in another folder.
std::string SocketPath(const CliContext& context, const VmArgsFlags& flags) {
  const std::string name =
      flags.slot ? absl::StrCat("slot-", *flags.slot, ".sock") : "ivshmem.sock";
  std::error_code failed;
  const auto folder = std::filesystem::absolute(context.runtime_dir, failed);
  const auto path = (failed ? std::filesystem::path(context.runtime_dir) : folder) / name;
  return path.lexically_normal().string();
}

std::string Json(const VmDevice& device, const std::vector<std::string>& remarks) {
  const nlohmann::ordered_json json = {
      {"schema", kSchema},         {"socket", device.socket_path},  {"vectors", device.vectors},
      {"qemu", QemuWords(device)}, {"libvirt", LibvirtXml(device)}, {"remarks", remarks}};
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string Text(const VmDevice& device, const std::string& format) {
  std::string text;
  if (format != "libvirt") text += ShellLine(QemuWords(device)) + "\n";
  if (format == "both") text += "\n";
  if (format != "qemu") text += LibvirtXml(device);
  return text;
}

// Somebody already there is worth a warning, not an error: that VM may be about to end.
std::vector<std::string> AllRemarks(ControlClient& client, const VmArgsFlags& flags,
                                    const VmDevice& device, const RegionInfo& region) {
  std::vector<std::string> remarks = Remarks(device, region.slots);
  const absl::StatusOr<PeerList> list = client.ListPeers();
  if (!flags.slot || !list.ok()) return remarks;
  for (const PeerInfo& peer : list->snapshot.peers) {
    if (peer.slot != *flags.slot) continue;
    remarks.push_back(
        absl::StrCat("Slot ", peer.slot, " is occupied now: a second VM is refused."));
  }
  return remarks;
}

absl::Status Run(const CliContext& context, const VmArgsFlags& flags) {
  ControlClient client(context.ControlSocket());
  const absl::StatusOr<RegionInfo> region = client.GetRegion();
  if (!region.ok()) return region.status();
  if (flags.slot) {
    if (absl::Status good = CheckSlot(*flags.slot, *region); !good.ok()) return good;
  }
  const VmDevice device{SocketPath(context, flags), region->vectors};
  const std::vector<std::string> remarks = AllRemarks(client, flags, device, *region);
  fputs((flags.json ? Json(device, remarks) : Text(device, flags.format)).c_str(), stdout);
  if (flags.json) return absl::OkStatus();
  fflush(stdout);
  for (const std::string& remark : remarks) fprintf(stderr, "# %s\n", remark.c_str());
  return absl::OkStatus();
}

}  // namespace

void AddVmArgsCommand(CLI::App& app, CliContext& context) {
  CLI::App* command =
      app.add_subcommand("vm-args", "Print the QEMU options and libvirt XML that join a VM.");
  command->footer(
      "  tombolo vm-args                              for the lowest vacant slot\n"
      "  qemu-system-x86_64 $(tombolo vm-args --slot 3 --format qemu) -m 1G ...\n"
      "  tombolo vm-args --format libvirt             for `virsh edit`");
  const auto flags = std::make_shared<VmArgsFlags>();
  command
      ->add_option("--slot", flags->slot, "A slot of its own, for a VM that must come back to it")
      ->option_text("N");
  command->add_option("--format", flags->format, "qemu, libvirt or both (default)")
      ->option_text("FORMAT")
      ->check(CLI::IsMember({"qemu", "libvirt", "both"}));
  command->add_flag("--json", flags->json, "One JSON object, with everything");
  command->callback(
      [&context, flags] { context.run = [&context, flags] { return Run(context, *flags); }; });
}

}  // namespace tombolo::control

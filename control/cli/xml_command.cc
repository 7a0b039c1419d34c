#include "control/cli/xml_command.h"

#include <stdio.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/cli/vm_args.h"
#include "control/cli/vm_slot.h"

namespace tombolo::control {
namespace {

absl::Status Run(const CliContext& context, std::optional<uint32_t> slot) {
  const absl::StatusOr<VmSlot> vm_slot = AskForSlot(context, slot);
  if (!vm_slot.ok()) return vm_slot.status();
  fputs(LibvirtXml(vm_slot->device).c_str(), stdout);
  PrintRemarks(*vm_slot, LibvirtRemarks(vm_slot->device, vm_slot->slots));
  return absl::OkStatus();
}

}  // namespace

void AddXmlCommand(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("xml", "Print the libvirt element that joins a VM.");
  command->footer(
      "  tombolo xml 3                                for `virsh edit web1`, in <devices>\n"
      "  tombolo xml 3 >shmem.xml && virsh attach-device web1 shmem.xml --config");
  const auto slot = std::make_shared<std::optional<uint32_t>>();
  command
      ->add_option("SLOT", *slot,
                   "A slot of its own (default: the lowest that is vacant when the VM starts)")
      ->option_text(" ");
  command->callback(
      [&context, slot] { context.run = [&context, slot] { return Run(context, *slot); }; });
}

}  // namespace tombolo::control

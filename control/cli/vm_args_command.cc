#include "control/cli/vm_args_command.h"

#include <stdio.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/cli/vm_args.h"
#include "control/cli/vm_slot.h"

namespace tombolo::control {
namespace {

struct VmArgsFlags {
  bool json = false;
  std::optional<uint32_t> slot;
};

// A path need not be UTF-8; what is none is replaced.
std::string Json(const std::vector<std::string>& words) {
  return nlohmann::json(words).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

absl::Status Run(const CliContext& context, const VmArgsFlags& flags) {
  const absl::StatusOr<VmSlot> vm_slot = AskForSlot(context, flags.slot);
  if (!vm_slot.ok()) return vm_slot.status();
  const std::vector<std::string> words = QemuWords(vm_slot->device);
  puts((flags.json ? Json(words) : ShellLine(words)).c_str());
  PrintRemarks(*vm_slot, QemuRemarks(vm_slot->device, vm_slot->slots));
  return absl::OkStatus();
}

}  // namespace

void AddVmArgsCommand(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("vm-args", "Print the QEMU options that join a VM.");
  command->footer(
      "  tombolo vm-args                              for the lowest vacant slot\n"
      "  tombolo vm-args 3                            for a VM that must come back to slot 3\n"
      "  qemu-system-x86_64 $(tombolo vm-args 3) -m 1G ...\n"
      "  tombolo vm-args 3 --json                     an array of words, for scripts");
  const auto flags = std::make_shared<VmArgsFlags>();
  command
      ->add_option("SLOT", flags->slot,
                   "A slot of its own (default: the lowest that is vacant when the VM starts)")
      ->option_text(" ");
  command->add_flag("--json", flags->json, "A JSON array with one string for each word");
  command->callback(
      [&context, flags] { context.run = [&context, flags] { return Run(context, *flags); }; });
}

}  // namespace tombolo::control

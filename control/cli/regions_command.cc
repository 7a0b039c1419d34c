#include "control/cli/regions_command.h"

#include <stdio.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/cli/regions_text.h"
#include "control/cli/table.h"
#include "control/client/regions_client.h"
#include "control/proto/region_values.h"
#include "control/words/words.h"

namespace tombolo::control {
namespace {

struct RegionsFlags {
  WantedRegion region;
  bool json = false;
};

using Action = absl::Status (*)(RegionsClient& client, const RegionsFlags& flags);

absl::Status List(RegionsClient& client, const RegionsFlags& flags) {
  const absl::StatusOr<std::vector<ServedRegion>> regions = client.List();
  if (!regions.ok()) return regions.status();
  fputs((flags.json ? RegionsJson(*regions) : RegionsTable(*regions, MayDecorate(STDOUT_FILENO)))
            .c_str(),
        stdout);
  fflush(stdout);
  for (const ServedRegion& region : *regions) {
    if (region.problem.empty()) continue;
    return absl::InternalError(absl::StrCat("region ", Printable(region.name),
                                            " is not served: ", Printable(region.problem)));
  }
  return absl::OkStatus();
}

absl::Status Print(const absl::StatusOr<ServedRegion>& region, const RegionsFlags& flags) {
  if (!region.ok()) return region.status();
  fputs(
      (flags.json ? RegionJson(*region) : RegionText(*region, MayDecorate(STDOUT_FILENO))).c_str(),
      stdout);
  return absl::OkStatus();
}

absl::Status Show(RegionsClient& client, const RegionsFlags& flags) {
  return Print(client.Describe(flags.region.name), flags);
}

absl::Status Create(RegionsClient& client, const RegionsFlags& flags) {
  return Print(client.Create(flags.region), flags);
}

absl::Status Resize(RegionsClient& client, const RegionsFlags& flags) {
  return Print(client.Resize(flags.region.name, flags.region.limits), flags);
}

absl::Status Delete(RegionsClient& client, const RegionsFlags& flags) {
  if (absl::Status deleted = client.Delete(flags.region.name); !deleted.ok()) return deleted;
  printf("the region %s is deleted\n", flags.region.name.c_str());
  return absl::OkStatus();
}

struct Declared {
  CLI::App* command;
  std::shared_ptr<RegionsFlags> flags;
};

Declared Declare(CLI::App& regions, CliContext& context, const char* name, const char* description,
                 Action action) {
  const auto flags = std::make_shared<RegionsFlags>();
  CLI::App* command = regions.add_subcommand(name, description);
  command->callback([&context, flags, action] {
    context.run = [&context, flags, action] {
      RegionsClient client(context.ControlSocket());
      return action(client, *flags);
    };
  });
  return {command, flags};
}

void AddName(const Declared& declared, const char* words) {
  declared.command->add_option("name", declared.flags->region.name, words)
      ->required()
      ->option_text("NAME");
}

void AddJson(const Declared& declared) {
  declared.command->add_flag("--json", declared.flags->json, "One JSON object (docs/cli.md)");
}

void AddLimits(const Declared& declared) {
  WantedLimits& limits = declared.flags->region.limits;
  declared.command->add_option("--size", limits.size_bytes, "Bytes, a power of two: 256M, 1G")
      ->transform(CLI::AsSizeValue(false))
      ->option_text("BYTES");
  declared.command->add_option("--slots", limits.slots, "Slots, the host's included")
      ->option_text("N");
  declared.command->add_option("--vectors", limits.vectors, "Doorbells of each slot")
      ->option_text("N");
  declared.command
      ->add_option("--endpoints", limits.endpoints, "Processes attached at once, in all slots")
      ->option_text("N");
}

void AddList(CLI::App& regions, CliContext& context) {
  const Declared list = Declare(regions, context, "list", "All of them, in a row each.", List);
  list.command->footer(
      "  tombolo regions list\n"
      "  tombolo regions list --json | jq '.regions[].name'");
  AddJson(list);
}

void AddShow(CLI::App& regions, CliContext& context) {
  const Declared show = Declare(regions, context, "show",
                                "One of them, with its sockets, members and the state of its "
                                "memory.",
                                Show);
  show.command->footer(
      "  tombolo regions show default          the one that tombolod was started with\n"
      "  tombolo regions show blue --json | jq .check");
  AddName(show, "As `tombolo regions list` has it");
  AddJson(show);
}

void AddCreate(CLI::App& regions, CliContext& context) {
  const Declared create = Declare(regions, context, "create",
                                  "Make one, for another trust domain: with memory and sockets of "
                                  "its own.",
                                  Create);
  create.command->footer(
      "  tombolo regions create blue --size 1G --slots 4 --group blue-vms\n"
      "  tombolo --runtime-dir /run/tombolo/blue vm-args 1   and then for its machines");
  AddName(create, "Of the new one: 1 to 31 of a-z, 0-9 and -");
  AddLimits(create);
  create.command->add_flag("--huge-pages", create.flags->region.huge_pages,
                           "Take huge pages for it, if enough are free");
  create.command
      ->add_option("--group", create.flags->region.group,
                   "Whose members alone may use its sockets (default: the daemon's own group)")
      ->option_text("GROUP");
  AddJson(create);
}

void AddResize(CLI::App& regions, CliContext& context) {
  const Declared resize = Declare(regions, context, "resize",
                                  "Make an empty one anew, with other limits, behind the same "
                                  "sockets.",
                                  Resize);
  resize.command->footer("  tombolo regions resize blue --size 2G what is not said stays as it is");
  AddName(resize, "As `tombolo regions list` has it");
  AddLimits(resize);
  AddJson(resize);
}

void AddDelete(CLI::App& regions, CliContext& context) {
  const Declared removal = Declare(regions, context, "delete",
                                   "End an empty one, and give up its memory and sockets.", Delete);
  removal.command->footer("  tombolo regions delete blue");
  AddName(removal, "As `tombolo regions list` has it");
}

}  // namespace

void AddRegionsCommand(CLI::App& app, CliContext& context) {
  CLI::App* regions = app.add_subcommand(
      "regions",
      "The regions of the daemon, one for each trust domain. For root, the daemon's user and the "
      "group tombolo-admin.");
  regions->footer(
      "  tombolo regions list                  what there is\n"
      "  tombolo regions create blue --size 1G one more, in a folder of its own\n"
      "  tombolo regions delete blue           when nobody is there any more");
  regions->require_subcommand(1);
  AddList(*regions, context);
  AddShow(*regions, context);
  AddCreate(*regions, context);
  AddResize(*regions, context);
  AddDelete(*regions, context);
}

}  // namespace tombolo::control

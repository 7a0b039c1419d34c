#include "control/cli/copy_command.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/cli/copy_one.h"
#include "control/cli/copy_paths.h"
#include "control/cli/copy_tree.h"

namespace tombolo::control {
namespace {

struct CopyFlags {
  std::string from;
  std::string to;
  bool recursive = false;
  bool quiet = false;
};

std::string WithoutSlashes(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

absl::Status Run(const CliContext& context, const CopyFlags& flags) {
  const absl::StatusOr<CopyPaths> paths =
      ParseCopyPaths(flags.recursive ? WithoutSlashes(flags.from) : flags.from, flags.to);
  if (!paths.ok()) return paths.status();
  return flags.recursive ? CopyTree(context, *paths, flags.quiet)
                         : CopyOne(context, *paths, flags.quiet);
}

}  // namespace

void AddCopyCommand(CLI::App& app, CliContext& context) {
  CLI::App* command =
      app.add_subcommand("cp",
                         "Copy a file or a folder to or from another machine of the region, with "
                         "checksums. A copy that was "
                         "interrupted goes on where it stopped when it is asked for again.");
  command->footer(
      "  tombolo cp disk.img 1:/srv/share/\n"
      "                                to slot 1, whose tombolo-agent has --allow-copy "
      "/srv/share:rw\n"
      "  tombolo cp 1:/srv/share/disk.img .\n"
      "                                from there; --allow-copy /srv/share is enough\n"
      "  tombolo cp -r results 1:/srv/share/\n"
      "                                a folder, with all files and folders in it\n"
      "  tombolo cp results.csv 0:results/7.csv\n"
      "                                from a guest to the host (slot 0), below the first folder\n"
      "                                that its tombolo-agent --host allows");
  const auto flags = std::make_shared<CopyFlags>();
  command->add_option("FROM", flags->from, "What to copy")
      ->required()
      ->option_text("FILE or SLOT:PATH");
  command->add_option("TO", flags->to, "Where to; a folder keeps the file's name")
      ->required()
      ->option_text("FILE or SLOT:PATH");
  command->add_flag("-r,--recursive", flags->recursive,
                    "FROM is a folder: all files and folders in it, but no links");
  command->add_flag("-q,--quiet", flags->quiet, "Neither a progress bar nor a summary");
  command->callback(
      [&context, flags] { context.run = [&context, flags] { return Run(context, *flags); }; });
}

}  // namespace tombolo::control

#include "control/agent/agent_flags.h"

#include <CLI/CLI.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "control/config/flag_check.h"
#include "control/copy/folders.h"
#include "control/copy/frames.h"
#include "control/tunnel/agent_tunnels.h"
#include "control/tunnel/tunnel_rules.h"
#include "control/words/version.h"

namespace tombolo::control {
namespace {

constexpr char kTable[] = "agent";

constexpr char kDescription[] =
    "Connects this machine to a Tombolo region: makes the processes of a guest members of it, and "
    "carries connections through it.";

void DescribeTunnels(CLI::App& app, CLI::Option* host, AgentFlags& flags) {
  app.add_option("--forward", flags.forwards,
                 "carry connections to a local address to a service of the host's agent: "
                 "LISTEN=SERVICE, as in 127.0.0.1:11211=memcached; may be repeated")
      ->take_all()
      ->check(CheckBy([](const std::string& text) { return ParseForwardRule(text); }))
      ->excludes(host);
  app.add_option("--allow", flags.allows,
                 "let the region's members reach a local address as a service: SERVICE=TARGET, as "
                 "in memcached=127.0.0.1:11211; may be repeated")
      ->take_all()
      ->check(CheckBy([](const std::string& text) { return ParseAllowRule(text); }));
}

void DescribeCopies(CLI::App& app, AgentFlags& flags) {
  app.add_option("--allow-copy", flags.copy_folders,
                 "let the region's members copy files from below this folder, with :rw to it too: "
                 "DIR, DIR:ro or DIR:rw, as in /srv/share:rw; may be repeated")
      ->take_all()
      ->check(CheckBy([](const std::string& text) { return ParseFolderRule(text); }));
}

absl::Status CheckFlags(const AgentFlags& flags) {
  for (const std::string& rule : flags.allows) {
    if (flags.copy_folders.empty() || !rule.starts_with(absl::StrCat(kCopyService, "="))) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "--allow ", rule, " has the name of the service of --allow-copy; call it otherwise."));
  }
  if (flags.host) return HostTunnels(flags.runtime_dir, flags.allows).status();
  return GuestTunnels(flags.runtime_dir, flags.forwards, flags.allows).status();
}

}  // namespace

DeclaredFlags DeclareAgentFlags(const std::shared_ptr<AgentFlags>& flags) {
  const auto app = std::make_shared<CLI::App>(kDescription, "tombolo-agent");
  app->set_version_flag("-V,--version", std::string("tombolo-agent ") + kVersion);
  app->add_option("--runtime-dir", flags->runtime_dir,
                  "folder of the sockets: in a guest this agent's own, on the host tombolod's")
      ->capture_default_str();
  CLI::Option* host =
      app->add_flag("--host", flags->host, "serve the host's ends of tunnels, beside tombolod");
  app->add_option("--device", flags->device,
                  "PCI address of the ivshmem device, or auto; before it may stand the way: vfio:, "
                  "module:, sysfs:, mem:")
      ->capture_default_str()
      ->excludes(host);
  DescribeTunnels(*app, host, *flags);
  DescribeCopies(*app, *flags);
  app->add_option("--log-level", flags->log_level, "how much to tell")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
  return {.table = kTable, .values = flags, .app = app, .check = [flags] {
            return CheckFlags(*flags);
          }};
}

}  // namespace tombolo::control

#include "control/agent/agent_flags.h"

namespace tombolo::control {

void DescribeFlags(CLI::App& app, AgentFlags& flags) {
  app.set_version_flag("-V,--version", "tombolo-agent 0.1.0");
  app.add_option("--runtime-dir", flags.runtime_dir,
                 "folder of the sockets: in a guest this agent's own, on the host tombolod's")
      ->capture_default_str();
  CLI::Option* host =
      app.add_flag("--host", flags.host, "serve the host's ends of tunnels, beside tombolod");
  app.add_option("--device", flags.device, "PCI address of the ivshmem device, or auto")
      ->capture_default_str()
      ->excludes(host);
  app.add_option("--forward", flags.forwards,
                 "carry connections to a local address to a service of the host's agent: "
                 "LISTEN=SERVICE, as in 127.0.0.1:11211=memcached; may be repeated")
      ->take_all()
      ->excludes(host);
  app.add_option("--allow", flags.allows,
                 "let the region's members reach a local address as a service: SERVICE=TARGET, as "
                 "in memcached=127.0.0.1:11211; may be repeated")
      ->take_all();
  app.add_option("--log-level", flags.log_level, "how much to tell")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
}

}  // namespace tombolo::control

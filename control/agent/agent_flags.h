// The command line of tombolo-agent.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "control/config/declared_flags.h"

namespace tombolo::control {

struct AgentFlags {
  std::string runtime_dir = "/run/tombolo";
  bool host = false;
  std::string device = "auto";
  std::vector<std::string> forwards;      // LISTEN=SERVICE
  std::vector<std::string> allows;        // SERVICE=TARGET
  std::vector<std::string> copy_folders;  // DIR[:ro|:rw]
  std::string log_level = "info";
};

// All flags, which are read into `flags`. They go together when tunnels can be made of them.
DeclaredFlags DeclareAgentFlags(const std::shared_ptr<AgentFlags>& flags);

}  // namespace tombolo::control

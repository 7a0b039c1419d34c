// The command line of tombolo-agent.
#pragma once

#include <string>
#include <vector>

#include "CLI/CLI.hpp"

namespace tombolo::control {

struct AgentFlags {
  std::string runtime_dir = "/run/tombolo";
  bool host = false;
  std::string device = "auto";
  std::vector<std::string> forwards;  // LISTEN=SERVICE
  std::vector<std::string> allows;    // SERVICE=TARGET
  std::string log_level = "info";
};

// Declares all flags; they are read into `flags`, which must outlive `app`.
void DescribeFlags(CLI::App& app, AgentFlags& flags);

}  // namespace tombolo::control

// Layers over the flags of the real programs.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "control/agent/agent_flags.h"
#include "control/config/config_file.h"
#include "control/config/declared_flags.h"
#include "control/config/environment.h"
#include "control/config/flag_set.h"
#include "control/config/layers.h"
#include "control/daemon/daemon_flags.h"

namespace tombolo::control {

class LayersTest : public testing::Test {
 protected:
  using Words = std::vector<std::string>;

  // What is wrong when tombolod is started with `words` in `environment`, and `text` is its
  // configuration. Its values are in daemon_ then.
  Words Daemon(std::string_view text, const Environment& environment = {},
               const Words& words = {}) {
    daemon_ = std::make_shared<DaemonFlags>();
    return Apply(DeclareDaemonFlags(daemon_), text, environment, words);
  }

  // The same of tombolo-agent.
  Words Agent(std::string_view text, const Environment& environment = {}, const Words& words = {}) {
    agent_ = std::make_shared<AgentFlags>();
    return Apply(DeclareAgentFlags(agent_), text, environment, words);
  }

  std::string OriginOf(const std::string& key) { return OriginWords(origins_[key]); }

  std::shared_ptr<DaemonFlags> daemon_;
  std::shared_ptr<AgentFlags> agent_;

 private:
  Words Apply(const DeclaredFlags& declared, std::string_view text, const Environment& environment,
              const Words& words) {
    absl::StatusOr<ConfigFile> file = ParseConfig(text, "t.toml");
    if (!file.ok()) return {std::string(file.status().message())};
    FlagSet flags(*declared.app, declared.table);
    EXPECT_TRUE(flags.Parse(words).ok());
    ConfigErrors errors;
    CheckTables(*file, errors);
    origins_ = ApplyLayers({*std::move(file), environment}, flags, errors);
    return errors.Lines();
  }

  Origins origins_;
};

}  // namespace tombolo::control

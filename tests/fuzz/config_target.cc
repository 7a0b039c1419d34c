// A configuration of whatever bytes: its text, what it makes of the programs' flags, and what is
// shown of them. What is accepted has to be shown as a configuration that says the same.
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "control/agent/agent_flags.h"
#include "control/cli/config_text.h"
#include "control/config/config_errors.h"
#include "control/config/config_file.h"
#include "control/config/declared_flags.h"
#include "control/config/environment.h"
#include "control/config/flag_set.h"
#include "control/config/layers.h"
#include "control/daemon/daemon_flags.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"

namespace tombolo::fuzz {
namespace {

using control::ConfigErrors;
using control::DeclaredFlags;
using control::Environment;
using control::ShownTable;

// A variable instead of a file.
constexpr uint8_t kVariable = 2;

DeclaredFlags Declare(bool agent) {
  if (agent) return control::DeclareAgentFlags(std::make_shared<control::AgentFlags>());
  return control::DeclareDaemonFlags(std::make_shared<control::DaemonFlags>());
}

// The table of one program, all of whose errors are in `errors`.
ShownTable Apply(bool agent, const std::string& text, const Environment& environment,
                 ConfigErrors& errors) {
  const absl::StatusOr<control::ConfigFile> file = control::ParseConfig(text, "file");
  if (!file.ok()) {
    errors.Add(std::string(file.status().message()));
    return {};
  }
  const DeclaredFlags declared = Declare(agent);
  control::FlagSet flags(*declared.app, declared.table);
  control::CheckTables(*file, errors);
  const control::Origins origins = control::ApplyLayers({*file, environment}, flags, errors);
  if (errors.IsEmpty()) declared.check().IgnoreError();
  ShownTable shown{.table = declared.table, .keys = {}};
  for (const control::FlagKey& key : flags.Keys()) {
    shown.keys.push_back({key, flags.Words(key), origins.find(key.name)->second});
  }
  return shown;
}

std::string Json(const ShownTable& shown) { return control::ShowJson("file", {shown}); }

// Without where it comes from, which is not the same.
ShownTable Values(ShownTable shown) {
  for (control::ShownKey& key : shown.keys) key.origin = {};
  return shown;
}

void CheckAgain(bool agent, const ShownTable& shown) {
  ConfigErrors errors;
  const std::string text = control::ShowText({shown}, /*with_origin=*/true);
  const ShownTable again = Apply(agent, text, {}, errors);
  if (!errors.IsEmpty() || Json(Values(again)) != Json(Values(shown))) abort();
}

}  // namespace

void RunInput(std::span<const uint8_t> bytes) {
  Input input(bytes);
  const uint8_t which = input.Byte();
  const std::span<const uint8_t> rest = input.Rest();
  const std::string text(rest.begin(), rest.end());
  const bool agent = which % 2 == 0;
  ConfigErrors errors;
  if ((which & kVariable) == 0) {
    const ShownTable shown = Apply(agent, text, {}, errors);
    if (errors.IsEmpty()) CheckAgain(agent, shown);
  } else {
    // What a variable says need not be text that TOML could have: it is only shown.
    const char* variable = agent ? "TOMBOLO_AGENT_ALLOW" : "TOMBOLO_DAEMON_SIZE";
    Json(Apply(agent, "", {{variable, text.c_str()}}, errors));
  }
  for (const std::string& line : errors.Lines()) {
    if (line.empty()) abort();
  }
}

std::vector<Bytes> Seeds() {
  std::vector<Bytes> seeds;
  const std::vector<std::pair<uint8_t, std::string>> texts = {
      {0,
       "runtime-dir = '/run'\n[agent]\nhost = true\nallow = [\"a=127.0.0.1:1\", 'b=unix:/x']\n"
       "log-level = \"off\" # comment\n"},
      {0, "[agent]\ndevice = \"0000:00:05.0\"\nforward = ['[::1]:80=a', 'unix:/\\x=b']\n"},
      {1,
       "log-level = '''warn'''\n[daemon]\nsize = '16M'\nslots = 0x10\nvectors = 1_6\n"
       "endpoints = 64\nhuge-pages = false\n"},
      {1, "daemon.slots = 3\ndaemon.size = 16777216\n[agent]\n"},
      {1, "daemon = {slots = 4, runtime-dir = \"/r\\u00e4\\\"\"}\n"},
      {1, "[deamon]\nslots = 1\n[daemon]\nslot = 2.5\nsize = 2026-01-01\n"},
      {2, "a=127.0.0.1:1, b=[::1]:2"},
      {3, "1 GiB"},
  };
  for (const auto& [which, text] : texts) {
    seeds.emplace_back(1, which);
    seeds.back().insert(seeds.back().end(), text.begin(), text.end());
  }
  return seeds;
}

}  // namespace tombolo::fuzz

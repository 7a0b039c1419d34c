#include "control/config/read_flags.h"

#include <stdlib.h>

#include <iostream>

#include "control/config/config_errors.h"
#include "control/config/environment.h"
#include "control/config/layers.h"

namespace tombolo::control {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

}  // namespace

absl::StatusOr<ConfigFile> FindConfig(const std::string& named, const std::string& usual) {
  if (!named.empty()) return ReadConfigFile(named);
  const char* variable = getenv(kConfigVariable);
  if (variable != nullptr && *variable != '\0') return ReadConfigFile(variable);
  absl::StatusOr<ConfigFile> found = ReadConfigFile(usual);
  if (absl::IsNotFound(found.status())) return ConfigFile{};
  return found;
}

absl::Status CompleteFlags(FlagSet& flags) {
  absl::StatusOr<ConfigFile> file = FindConfig(flags.ConfigPath());
  if (!file.ok()) return file.status();
  const Layers layers{*std::move(file), TomboloEnvironment()};
  ConfigErrors errors;
  CheckTables(layers.file, errors);
  ApplyLayers(layers, flags, errors);
  return errors.ToStatus();
}

std::optional<int> ReadFlags(const DeclaredFlags& declared, int argc, const char* const* argv) {
  FlagSet flags(*declared.app, declared.table);
  if (const std::optional<int> exit_code = flags.ParseOrExit(argc, argv)) return exit_code;
  absl::Status status = CompleteFlags(flags);
  if (status.ok()) status = declared.check();
  if (status.ok()) return std::nullopt;
  std::cerr << "error: " << status.message() << std::endl;
  return absl::IsInvalidArgument(status) ? kExitUsage : kExitFailed;
}

}  // namespace tombolo::control

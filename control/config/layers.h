// Layers: where the value of a key may come from. The strongest that has one wins:
//
//   the flag on the command line
//   the variable TOMBOLO_<TABLE>_<KEY>, then TOMBOLO_<KEY> if it is a common key
//   the file, in [<table>], then before the first table if it is a common key
//   the default of the flag's declaration
//
// CLI11 can read files and variables by itself, but a file then overrules variables, and an error
// knows neither line nor variable.
//
// A value that is overruled is still checked: a wrong one is an error wherever it stands. All
// values pass the checks of the flag.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "control/config/config_errors.h"
#include "control/config/config_file.h"
#include "control/config/environment.h"
#include "control/config/flag_set.h"

namespace tombolo::control {

struct Layers {
  ConfigFile file;
  Environment environment;
};

enum class OriginKind { kDefault, kFile, kVariable, kFlag };

struct Origin {
  OriginKind kind = OriginKind::kDefault;
  std::string where;  // "--size", "TOMBOLO_DAEMON_SIZE", "PATH:LINE"; empty: it is the default.
};

// "flag --size", "variable TOMBOLO_DAEMON_SIZE", "PATH:LINE" or "default".
std::string OriginWords(const Origin& origin);

// By the name of the key.
using Origins = std::map<std::string, Origin, std::less<>>;

// Tables that no program has, and what stands outside of tables without belonging there.
void CheckTables(const ConfigFile& file, ConfigErrors& errors);

// Gives `flags`, after Parse, what the command line left open. Errors: keys and variables of this
// table that are no flags, values that their flags refuse, and values that exclude each other.
Origins ApplyLayers(const Layers& layers, FlagSet& flags, ConfigErrors& errors);

}  // namespace tombolo::control

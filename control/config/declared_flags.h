// DeclaredFlags: a program's flags, declared and ready to be read. Each program has a function that
// makes them, which its own main() and `tombolo config` call.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"

namespace CLI {
class App;
}  // namespace CLI

namespace tombolo::control {

struct DeclaredFlags {
  std::string table;              // Of the configuration.
  std::shared_ptr<void> values;   // What the flags are read into.
  std::shared_ptr<CLI::App> app;  // Refers to `values`.
  // When all values are there: whether they go together. InvalidArgument says why not.
  std::function<absl::Status()> check;
};

using DeclareFlags = std::function<DeclaredFlags()>;

}  // namespace tombolo::control

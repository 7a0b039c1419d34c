// The scripts that complete a command line of `tombolo` in each shell. Each walks along the words
// that are typed already, from command to subcommand, and then offers what may come next.
#pragma once

#include <string>

#include "control/cli/completion_tree.h"

namespace tombolo::control {

std::string BashScript(const CompletionCommand& root);
std::string ZshScript(const CompletionCommand& root);
std::string FishScript(const CompletionCommand& root);

}  // namespace tombolo::control

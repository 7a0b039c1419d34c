// ExamplesFirst: help texts that begin with examples, because that is what most readers look for.
// A command's examples are its footer.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace tombolo::control {

class ExamplesFirst : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;
  std::string make_footer(const CLI::App* app) const override;
};

}  // namespace tombolo::control

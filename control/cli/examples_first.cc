#include "control/cli/examples_first.h"

#include <utility>

namespace tombolo::control {

std::string ExamplesFirst::make_help(const CLI::App* app, std::string name,
                                     CLI::AppFormatMode mode) const {
  const std::string rest = CLI::Formatter::make_help(app, std::move(name), mode);
  const bool has_examples = mode == CLI::AppFormatMode::Normal && !app->get_footer().empty();
  return has_examples ? "Examples:\n" + app->get_footer() + "\n\n" + rest : rest;
}

std::string ExamplesFirst::make_footer(const CLI::App*) const { return ""; }

}  // namespace tombolo::control

#include "control/config/environment.h"

#include <unistd.h>

#include <string_view>

namespace tombolo::control {
namespace {

constexpr std::string_view kPrefix = "TOMBOLO_";

}  // namespace

Environment TomboloEnvironment() {
  Environment found;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const size_t equals = text.find('=');
    if (!text.starts_with(kPrefix) || equals == std::string_view::npos) continue;
    const std::string_view value = text.substr(equals + 1);
    if (!value.empty()) found.emplace(text.substr(0, equals), value);
  }
  return found;
}

}  // namespace tombolo::control

// Runs a function in a child process and gives back the text that it returns.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace tombolo::crash {

// At most 4,000 bytes of it. Nothing when the child was killed or did not end within
// `deadline_seconds`.
std::optional<std::string> RunForked(unsigned deadline_seconds,
                                     const std::function<std::string()>& run);

}  // namespace tombolo::crash

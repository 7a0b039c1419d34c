// ForeignFlags: flags of memcached 1.6.18 that mean nothing here, so that its command lines work:
// those that change nothing a client could notice are ignored, with a line in the log; the others
// are errors that say what to do instead.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"

namespace tombolo::kvcache {

class ForeignFlags {
 public:
  // Declares them, hidden from --help. It must outlive `app`.
  void Describe(CLI::App& app);

  // After parsing: InvalidArgument for the first that cannot be had; else `warnings` has a line for
  // each that is ignored.
  absl::Status Check(std::vector<std::string>& warnings) const;

 private:
  std::vector<std::string> seen_;  // Names, without dashes.
  std::string udp_port_ = "0";
};

// What is in -o: NAME or NAME=VALUE, with commas between. `idle_timeout_s` is set by idle_timeout.
absl::Status ParseExtendedOptions(std::string_view text, int64_t& idle_timeout_s,
                                  std::vector<std::string>& warnings);

}  // namespace tombolo::kvcache

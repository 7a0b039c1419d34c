// ConfigErrors: all that is wrong with a configuration, to be told at once and in order.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "control/config/config_file.h"

namespace tombolo::control {

class ConfigErrors {
 public:
  static constexpr size_t kMostKept = 100;

  // What is wrong in `file`, at `place`. A second error of one place is not kept: it is the same
  // value, seen by another program.
  void AddAt(const ConfigFile& file, const ConfigPlace& place, const std::string& what);

  // What is wrong elsewhere: a variable, or values that do not go together.
  void Add(const std::string& what);

  bool IsEmpty() const { return errors_.empty(); }

  // One line each, by place; those of no place first. At most kMostKept, and how many more.
  std::vector<std::string> Lines() const;

  // InvalidArgument with all lines, or OK.
  absl::Status ToStatus() const;

 private:
  struct Error {
    ConfigPlace place;
    std::string text;
  };

  void Keep(Error error);

  std::vector<Error> errors_;
  size_t not_kept_ = 0;
};

}  // namespace tombolo::control

// A live view: a table on the whole terminal, looked at again and again until somebody ends it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace tombolo::control {

// What is shown. Used by one thread.
class LiveTable {
 public:
  virtual ~LiveTable() = default;

  // Looks again. Keys wait for as long as it takes.
  virtual void Refresh() = 0;

  // The next order of the rows, round and round.
  virtual void ChangeOrder() = 0;

  // One line.
  virtual std::string Title() const = 0;

  // The heading, and a line for each row, of printable ASCII.
  virtual std::vector<std::string> Lines() const = 0;
};

// Shows `table` as it is, then refreshed each `interval_s`, until somebody ends it.
// FailedPrecondition: there is no terminal for it; the message names `command`, as in "tombolo
// top".
absl::Status RunLiveView(LiveTable& table, std::string_view command, double interval_s);

}  // namespace tombolo::control

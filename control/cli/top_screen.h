// TopScreen: the terminal while a live view has it, by ncurses. One at a time in a process. Not
// thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tombolo::control {

class TopScreen {
 public:
  enum class Key { kNone, kQuit, kOrder, kUp, kDown, kOther };

  // Takes the terminal. FailedPrecondition: stdin and stdout are none, or of a kind that ncurses
  // does not know; the message says what else to do with `command`, as in "tombolo top".
  static absl::StatusOr<std::unique_ptr<TopScreen>> Open(std::string_view command);

  // Gives it back as it was.
  ~TopScreen();
  TopScreen(const TopScreen&) = delete;
  TopScreen& operator=(const TopScreen&) = delete;

  // Draws all of it. `title`: one line; `lines`: a heading, and what is scrolled under it, from the
  // `first`-th on. What does not fit is cut off. `lines` are printable ASCII.
  void Draw(const std::string& title, const std::vector<std::string>& lines, size_t first);

  // The next key, or kNone after `timeout_ms`. A change of the terminal's size is kOther.
  Key WaitForKey(int timeout_ms);

 private:
  struct Terminal;
  explicit TopScreen(std::unique_ptr<Terminal> terminal);

  std::unique_ptr<Terminal> terminal_;
};

}  // namespace tombolo::control

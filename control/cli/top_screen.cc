#include "control/cli/top_screen.h"

#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tombolo::control {
namespace {

constexpr int kControlC = 3;
constexpr char kHelp[] = "q quit   s order   up/down scroll";

void PutLine(int row, const std::string& text, attr_t attributes) {
  attrset(attributes);
  mvaddnstr(row, 0, text.c_str(), COLS);
  attrset(A_NORMAL);
}

}  // namespace

struct TopScreen::Terminal {
  SCREEN* screen;
};

absl::StatusOr<std::unique_ptr<TopScreen>> TopScreen::Open(std::string_view command) {
  const std::string once = absl::StrCat("`", std::string(command), " --once`");
  if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
    return absl::FailedPreconditionError(
        absl::StrCat("this is no terminal, which a live view needs: use ", once, " or --json."));
  }
  SCREEN* screen = newterm(nullptr, stdout, stdin);
  if (screen == nullptr) {
    const char* kind = getenv("TERM");
    return absl::FailedPreconditionError(
        absl::StrCat("a terminal of the kind TERM=", kind == nullptr ? "" : kind,
                     " is not known: set TERM, or use ", once, "."));
  }
  // Raw: ^C is a key, and the terminal is given back whichever way this ends.
  raw();
  noecho();
  nonl();
  keypad(stdscr, TRUE);
  curs_set(0);
  return std::unique_ptr<TopScreen>(
      new TopScreen(std::make_unique<Terminal>(Terminal{.screen = screen})));
}

TopScreen::TopScreen(std::unique_ptr<Terminal> terminal) : terminal_(std::move(terminal)) {}

TopScreen::~TopScreen() {
  endwin();
  delscreen(terminal_->screen);
}

void TopScreen::Draw(const std::string& title, const std::vector<std::string>& lines,
                     size_t first) {
  erase();
  PutLine(0, title, A_BOLD);
  int row = 2;
  if (!lines.empty()) PutLine(row++, lines.front(), A_REVERSE);
  for (size_t i = first + 1; i < lines.size() && row < LINES - 1; ++i) {
    PutLine(row++, lines[i], A_NORMAL);
  }
  PutLine(LINES - 1, kHelp, A_DIM);
  refresh();
}

TopScreen::Key TopScreen::WaitForKey(int timeout_ms) {
  timeout(std::max(timeout_ms, 0));
  switch (getch()) {
    case ERR:
      return Key::kNone;
    case 'q':
    case 'Q':
    case kControlC:
      return Key::kQuit;
    case 's':
      return Key::kOrder;
    case KEY_UP:
    case 'k':
      return Key::kUp;
    case KEY_DOWN:
    case 'j':
      return Key::kDown;
    default:
      return Key::kOther;
  }
}

}  // namespace tombolo::control

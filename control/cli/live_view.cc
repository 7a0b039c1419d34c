#include "control/cli/live_view.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "control/cli/top_screen.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::control {
namespace {

class View {
 public:
  View(TopScreen& screen, LiveTable& table, double interval_s)
      : screen_(screen), table_(table), interval_s_(interval_s) {}

  void Run() {
    for (;;) {
      lines_ = table_.Lines();
      screen_.Draw(table_.Title(), lines_, first_);
      const double left_s = interval_s_ - AgeSeconds();
      const TopScreen::Key key = screen_.WaitForKey(static_cast<int>(left_s * 1000) + 1);
      if (key == TopScreen::Key::kQuit) return;
      Obey(key);
      if (AgeSeconds() >= interval_s_) Refresh();
    }
  }

 private:
  double AgeSeconds() const {
    return static_cast<double>(MonotonicNs() - refreshed_ns_) / static_cast<double>(kNsPerSecond);
  }

  void Refresh() {
    table_.Refresh();
    refreshed_ns_ = MonotonicNs();
  }

  void Obey(TopScreen::Key key) {
    const size_t last = lines_.size() < 2 ? 0 : lines_.size() - 2;  // Of the rows.
    if (key == TopScreen::Key::kOrder) table_.ChangeOrder();
    if (key == TopScreen::Key::kUp && first_ > 0) --first_;
    if (key == TopScreen::Key::kDown) ++first_;
    first_ = std::min(first_, last);
  }

  TopScreen& screen_;
  LiveTable& table_;
  const double interval_s_;
  int64_t refreshed_ns_ = MonotonicNs();
  std::vector<std::string> lines_;
  size_t first_ = 0;
};

}  // namespace

absl::Status RunLiveView(LiveTable& table, std::string_view command, double interval_s) {
  const absl::StatusOr<std::unique_ptr<TopScreen>> screen = TopScreen::Open(command);
  if (!screen.ok()) return screen.status();
  View(**screen, table, interval_s).Run();
  return absl::OkStatus();
}

}  // namespace tombolo::control

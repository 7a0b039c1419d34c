#include "kvcache/server/guest_log.h"

#include <string>
#include <utility>

#include "spdlog/spdlog.h"
#include "transport/base/clock.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

constexpr int64_t kMinuteNs = 60 * kNsPerSecond;
constexpr int kMaxLinesAMinute = 20;

void Write(GuestEvent event, const absl::Status& status) {
  switch (event) {
    case GuestEvent::kLost:
      return spdlog::warn("{} Until it is back clients get SERVER_ERROR for what needs it",
                          std::string(status.message()));
    case GuestEvent::kAnswered:
      return spdlog::info("the owner of the cache answers again");
    case GuestEvent::kWindowForeign:
      return spdlog::warn(
          "the window shows another cache than the owner serves now; the owner is asked for all "
          "gets. Start a virtual machine anew, so that its device shows the new memory file; in a "
          "process of the host see that --window is the owner's memory file and that this user may "
          "read it, and start this again");
    case GuestEvent::kWindowGood:
      return spdlog::info("the window shows the cache that the owner serves again");
  }
}

}  // namespace

void GuestLog::Tell(GuestEvent event, const absl::Status& status) {
  // What is told of each request. Relaxed: it orders nothing, and who is late is told of the next.
  if (event == GuestEvent::kAnswered && !is_owner_lost_.load(std::memory_order_relaxed)) return;
  const std::lock_guard lock(mutex_);
  if (IsNews(event) && HasRoom(MonotonicNs())) Write(event, status);
}

bool GuestLog::IsNews(GuestEvent event) {
  const bool is_of_owner = event == GuestEvent::kLost || event == GuestEvent::kAnswered;
  const bool is_bad = event == GuestEvent::kLost || event == GuestEvent::kWindowForeign;
  if (!is_of_owner) return std::exchange(is_foreign_, is_bad) != is_bad;
  return is_owner_lost_.exchange(is_bad, std::memory_order_relaxed) != is_bad;
}

bool GuestLog::HasRoom(int64_t now_ns) {
  if (lines_ == 0 || now_ns - minute_began_ns_ >= kMinuteNs) {
    minute_began_ns_ = now_ns;
    lines_ = 0;
  }
  if (++lines_ == kMaxLinesAMinute) {
    spdlog::warn("of the owner and the window nothing more is told in this minute");
  }
  return lines_ < kMaxLinesAMinute;
}

}  // namespace tombolo::kvcache

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
    case GuestEvent::kOwnerLost:
      return spdlog::warn("{} Until it is back clients get SERVER_ERROR for what needs it",
                          std::string(status.message()));
    case GuestEvent::kOwnerBack:
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
  const std::lock_guard lock(mutex_);
  if (IsNews(event) && HasRoom(MonotonicNs())) Write(event, status);
}

bool GuestLog::IsNews(GuestEvent event) {
  const bool is_of_owner = event == GuestEvent::kOwnerLost || event == GuestEvent::kOwnerBack;
  const bool is_bad = event == GuestEvent::kOwnerLost || event == GuestEvent::kWindowForeign;
  return std::exchange(is_of_owner ? is_owner_lost_ : is_foreign_, is_bad) != is_bad;
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

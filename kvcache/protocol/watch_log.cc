#include "kvcache/protocol/watch_log.h"

#include <time.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace tombolo::kvcache {

std::unique_ptr<Watcher> WatchLog::Add(uint32_t kinds, Ring ring) {
  const std::lock_guard lock(mutex_);
  if (watchers_.size() == kMostWatchers) return nullptr;
  std::unique_ptr<Watcher> watcher(new Watcher(*this, kinds, std::move(ring)));
  watchers_.push_back(watcher.get());
  CountWanted();
  return watcher;
}

void WatchLog::Remove(const Watcher& watcher) {
  const std::lock_guard lock(mutex_);
  std::erase(watchers_, &watcher);
  CountWanted();
}

void WatchLog::CountWanted() {
  uint32_t wanted = 0;
  for (const Watcher* watcher : watchers_) wanted |= watcher->kinds_;
  wanted_.store(wanted, std::memory_order_relaxed);
}

void WatchLog::Tell(uint32_t kind, std::string_view text) {
  const std::lock_guard lock(mutex_);
  // Within the lock: numbers and times grow together.
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  std::string line =
      absl::StrCat("ts=", now.tv_sec, ".", absl::Dec(now.tv_nsec / kNsPerUs, absl::kZeroPad6),
                   " gid=", ++last_number_, " ");
  line.append(text).append("\n");
  for (Watcher* watcher : watchers_) {
    if ((watcher->kinds_ & kind) != 0) watcher->Append(line);
  }
}

void Watcher::Append(std::string_view line) {
  if (lines_.size() + line.size() > WatchLog::kMostBytesOfWatcher) {
    ++skipped_;
    return;
  }
  lines_.append(line);
  if (std::exchange(wants_ring_, false) && ring_) ring_();
}

std::string Watcher::Take() {
  std::string lines;
  const std::lock_guard lock(log_.mutex_);
  lines.swap(lines_);
  if (skipped_ != 0) absl::StrAppend(&lines, "skipped=", std::exchange(skipped_, 0), "\n");
  wants_ring_ = lines.empty();
  return lines;
}

}  // namespace tombolo::kvcache

// GuestLog: tells the log what becomes of the owner that a guest's workers ask, and of its window.
//
// Each worker has a connection of its own and tells for itself; the log has one line for all, when
// things change, and so many in a minute at most: two workers may see it differently, by turns.
//
// Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "absl/status/status.h"
#include "kvcache/guest/guest_backend.h"

namespace tombolo::kvcache {

class GuestLog {
 public:
  void Tell(GuestEvent event, const absl::Status& status);

 private:
  bool IsNews(GuestEvent event);
  bool HasRoom(int64_t now_ns);

  std::mutex mutex_;
  std::atomic<bool> is_owner_lost_ = false;  // As was told last. Changed under mutex_.
  // Guarded by mutex_, all of them.
  bool is_foreign_ = false;  // As was told last.
  int64_t minute_began_ns_ = 0;
  int lines_ = 0;  // In this minute.
};

}  // namespace tombolo::kvcache

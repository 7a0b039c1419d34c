// WatchLog: what memcached's `watch` tells, and whom: one of a process, for all of its threads.
//
//   command, store, connection: Wants(kind)?  -> nobody watches: one load, and that was all
//                               Tell(kind, text) -> a line for each Watcher that wants the kind
//   a watcher's thread:         Take() -> the lines since the last time
//                                      -> none: its Ring is called once there are some
//
// A watcher keeps so many bytes of lines and no more: who does not take them loses those that
// follow, and is told how many. So nobody waits for a watcher, but for the moment in which a line
// is copied.
//
// Thread safety: all functions, any thread; Take() and the end of a watcher, its own. Memory
// ordering: Wants() is relaxed, because a set of kinds orders nothing; who begins to watch may miss
// what happens at that moment.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "transport/base/units.h"

namespace tombolo::kvcache {

// Kinds of lines, to be or-ed.
inline constexpr uint32_t kWatchFetchers = 1;     // item_get: whatever looked for an item.
inline constexpr uint32_t kWatchMutations = 2;    // item_store.
inline constexpr uint32_t kWatchEvictions = 4;    // eviction.
inline constexpr uint32_t kWatchConnections = 8;  // conn_new, conn_close.

class Watcher;

class WatchLog {
 public:
  static constexpr size_t kMostWatchers = 20;                // As memcached.
  static constexpr size_t kMostBytesOfWatcher = 256 * kKiB;  // The same: its watcher_logbuf_size.

  // Called by whoever tells a line, with the log locked: it must not wait, and not come back here.
  using Ring = std::function<void()>;

  WatchLog() = default;
  WatchLog(const WatchLog&) = delete;
  WatchLog& operator=(const WatchLog&) = delete;

  // Whether somebody watches one of `kinds`.
  bool Wants(uint32_t kinds) const {
    return (wanted_.load(std::memory_order_relaxed) & kinds) != 0;
  }

  // Null: there are kMostWatchers. The log must outlive the watcher. `ring` may be empty.
  std::unique_ptr<Watcher> Add(uint32_t kinds, Ring ring);

  // `text`: the line after its time and number, without its end.
  void Tell(uint32_t kind, std::string_view text);

 private:
  friend class Watcher;

  void Remove(const Watcher& watcher);
  void CountWanted();

  // Looked at by every command, and hardly ever written: on a line of its own.
  alignas(kCacheLineBytes) std::atomic<uint32_t> wanted_ = 0;
  alignas(kCacheLineBytes) std::mutex mutex_;
  std::vector<Watcher*> watchers_;  // Guarded by mutex_.
  uint64_t last_number_ = 0;        // Guarded by mutex_: of a line, of all there were.
};

class Watcher {
 public:
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;
  ~Watcher() { log_.Remove(*this); }

  // The lines since the last call; what was lost after them is their last one. Empty: there are
  // none, and Ring will be called for the next one.
  std::string Take();

 private:
  friend class WatchLog;

  Watcher(WatchLog& log, uint32_t kinds, WatchLog::Ring ring)
      : log_(log), kinds_(kinds), ring_(std::move(ring)) {}

  void Append(std::string_view line);

  WatchLog& log_;
  const uint32_t kinds_;
  const WatchLog::Ring ring_;
  // All guarded by the log's mutex.
  std::string lines_;
  uint64_t skipped_ = 0;
  bool wants_ring_ = true;
};

}  // namespace tombolo::kvcache

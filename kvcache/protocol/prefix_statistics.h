// PrefixStatistics: how often the keys with a prefix are got, set and deleted: `stats detail`. The
// prefix of a key is what lies before its first delimiter; keys without one are not counted. Off
// until somebody turns it on, and then a mutex is taken for each key.
//
// Thread safety: all functions, any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace tombolo::kvcache {

// Of more nothing is kept: clients choose their keys.
inline constexpr size_t kMostPrefixes = 65'536;

class PrefixStatistics {
 public:
  explicit PrefixStatistics(char delimiter = ':', bool is_on = false)
      : delimiter_(delimiter), is_on_(is_on) {}

  char Delimiter() const { return delimiter_; }

  // Relaxed: whoever still counts, or does not yet, does no harm.
  bool IsOn() const { return is_on_.load(std::memory_order_relaxed); }
  void Turn(bool is_on) { is_on_.store(is_on, std::memory_order_relaxed); }

  // Count while IsOn(), and do nothing else.
  void CountGet(std::string_view key, bool is_hit) {
    if (IsOn()) Count(key, {.gets = 1, .hits = is_hit ? 1u : 0u});
  }
  void CountSet(std::string_view key) {
    if (IsOn()) Count(key, {.sets = 1});
  }
  void CountDelete(std::string_view key) {
    if (IsOn()) Count(key, {.deletes = 1});
  }

  // "PREFIX <prefix> get <n> hit <n> set <n> del <n>" for each, and "END", lines with \r\n.
  std::string Dump() const;
  void Reset();

 private:
  struct Counts {
    uint64_t gets = 0;
    uint64_t hits = 0;
    uint64_t sets = 0;
    uint64_t deletes = 0;
  };

  void Count(std::string_view key, const Counts& more);

  const char delimiter_;
  std::atomic<bool> is_on_;
  mutable std::mutex mutex_;
  std::map<std::string, Counts, std::less<>> counts_;  // Guarded by mutex_.
};

}  // namespace tombolo::kvcache

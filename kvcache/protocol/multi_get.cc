#include "kvcache/protocol/multi_get.h"

#include "absl/strings/str_cat.h"
#include "kvcache/protocol/tokens.h"

namespace tombolo::kvcache {
namespace {

// Where the first key that is too long begins; npos: there is none.
size_t FindLongKey(std::string_view keys) {
  std::string_view left = keys;
  for (;;) {
    const std::string_view key = TakeToken(left);
    if (key.size() > kMaxTextKeyBytes) return static_cast<size_t>(key.data() - keys.data());
    if (key.empty()) return std::string_view::npos;
  }
}

}  // namespace

void MultiGet::Begin(std::string_view keys, bool with_cas, std::optional<int64_t> exptime) {
  with_cas_ = with_cas;
  exptime_ = exptime;
  if (const size_t bad = FindLongKey(keys); bad != std::string_view::npos) {
    std::string_view good = keys.substr(0, bad);
    for (std::string_view key = TakeToken(good); !key.empty(); key = TakeToken(good)) FindItem(key);
    return replies_.AppendLine("CLIENT_ERROR bad command line format");
  }
  keys_ = keys;
  next_ = 0;
  is_pending_ = true;
  Continue();
}

bool MultiGet::Continue() {
  if (!is_pending_) return true;
  std::string_view left = std::string_view(keys_).substr(next_);
  while (!replies_.IsFull()) {
    const std::string_view key = TakeToken(left);
    next_ = keys_.size() - left.size();
    if (key.empty()) {
      is_pending_ = false;
      replies_.Append("END\r\n");
      return true;
    }
    if (FindItem(key)) SendItem(key);
  }
  return false;
}

bool MultiGet::FindItem(std::string_view key) {
  CommandCounters& counters = server_.counters;
  const bool is_hit = server_.backend.Get(key, item_, GetUse::kCounts);
  if (exptime_) {
    ++counters.cmd_touch;
    ++(is_hit ? counters.touch_hits : counters.touch_misses);
    if (is_hit) server_.backend.Amend({.key = key, .exptime = exptime_});
    return is_hit;
  }
  ++counters.cmd_get;
  ++(is_hit ? counters.get_hits : counters.get_misses);
  return is_hit;
}

void MultiGet::SendItem(std::string_view key) {
  replies_.Append("VALUE ");
  replies_.Append(key);
  replies_.Append(absl::StrCat(" ", item_.flags, " ", item_.value.size()));
  if (with_cas_) replies_.Append(absl::StrCat(" ", item_.cas));
  replies_.Append("\r\n");
  replies_.AppendLine(item_.value);
}

}  // namespace tombolo::kvcache

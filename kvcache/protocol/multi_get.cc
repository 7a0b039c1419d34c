#include "kvcache/protocol/multi_get.h"

#include "absl/strings/str_cat.h"
#include "kvcache/protocol/statistics.h"
#include "kvcache/protocol/tokens.h"
#include "kvcache/protocol/wording.h"

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
  const size_t long_key = FindLongKey(keys);
  if (long_key != std::string_view::npos) return Refuse(keys.substr(0, long_key));
  keys_ = keys;
  next_ = 0;
  is_pending_ = true;
  Continue();
}

// The keys before the one that is too long were asked for all the same.
// SUBTLE: without their values. Nothing is sent, so nothing would keep a line of keys from making
// us copy the largest item half a million times.
void MultiGet::Refuse(std::string_view good_keys) {
  for (std::string_view key = TakeToken(good_keys); !key.empty(); key = TakeToken(good_keys)) {
    const StoreAnswer answer =
        server_.backend.Amend({.key = key, .exptime = exptime_, .use = GetUse::kCounts});
    CountFetch(exptime_.has_value(), answer.result == StoreResult::kDone, server_.counters);
  }
  replies_.AppendLine(kBadFormat);
}

bool MultiGet::Continue() {
  if (!is_pending_) return true;
  StoredValue item;
  std::string_view left = std::string_view(keys_).substr(next_);
  while (!replies_.IsFull()) {
    const std::string_view key = TakeToken(left);
    next_ = keys_.size() - left.size();
    if (key.empty()) {
      is_pending_ = false;
      keys_ = {};  // It may be long, and the next command need not be.
      replies_.AppendLine("END");
      return true;
    }
    if (Find(key, item)) Send(key, item);
  }
  return false;
}

bool MultiGet::Find(std::string_view key, StoredValue& item) {
  std::optional<HeldItem> held;
  if (exptime_) held.emplace(server_.backend, key);
  const bool is_hit = server_.backend.Get(key, item, GetUse::kCounts);
  if (is_hit && exptime_) server_.backend.Amend({.key = key, .exptime = exptime_});
  CountFetch(exptime_.has_value(), is_hit, server_.counters);
  return is_hit;
}

void MultiGet::Send(std::string_view key, const StoredValue& item) {
  replies_.Append("VALUE ");
  replies_.Append(key);
  replies_.Append(absl::StrCat(" ", item.flags, " ", item.value.size()));
  if (with_cas_) replies_.Append(absl::StrCat(" ", item.cas));
  replies_.AppendLine("");
  replies_.AppendLine(item.value);
}

}  // namespace tombolo::kvcache

#include "kvcache/protocol/multi_get.h"

#include "absl/strings/str_cat.h"
#include "kvcache/protocol/give_back.h"
#include "kvcache/protocol/statistics.h"
#include "kvcache/protocol/tokens.h"
#include "kvcache/protocol/wording.h"

namespace tombolo::kvcache {
namespace {

// More is not kept for the next command.
constexpr size_t kKeptItemBytes = 1024 * 1024;

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
  is_refused_ = long_key != std::string_view::npos;
  keys_ = keys.substr(0, long_key);
  next_ = 0;
  is_pending_ = true;
  Continue();
}

bool MultiGet::Continue() {
  if (!is_pending_) return true;
  StoredValue& item = server_.item;
  for (int keys = 0; is_pending_ && keys < kMaxKeysAtOnce && !replies_.IsFull(); ++keys) {
    std::string_view left = std::string_view(keys_).substr(next_);
    const std::string_view key = TakeToken(left);
    next_ = keys_.size() - left.size();
    if (key.empty()) {
      End(is_refused_ ? kBadFormat : "END");
      break;
    }
    AskFor(key, item);
    // What was sent before stays: the end tells that it is not all.
    if (server_.backend.TakeFailure()) End(kNoOwner);
  }
  if (item.value.capacity() > kKeptItemBytes) std::string().swap(item.value);
  return !is_pending_;
}

void MultiGet::End(std::string_view last_line) {
  is_pending_ = false;
  GiveBack(keys_);  // They may be long, and the next command need not be.
  replies_.AppendLine(last_line);
}

void MultiGet::AskFor(std::string_view key, StoredValue& item) {
  if (is_refused_) {
    Use(key);
  } else if (Find(key, item)) {
    Send(key, item);
  }
}

// The keys before the one that is too long were asked for all the same.
// SUBTLE: without their values. Nothing is sent, so nothing would keep a line of keys from making
// us copy the largest item half a million times.
void MultiGet::Use(std::string_view key) {
  StoredValue item;
  const StoreAnswer answer = server_.backend.Visit(
      {.key = key, .wants_value = false, .use = GetUse::kCounts, .exptime = exptime_}, item);
  CountFetch(exptime_.has_value(), answer.result == StoreResult::kDone, server_.counters);
}

bool MultiGet::Find(std::string_view key, StoredValue& item) {
  const bool is_hit = exptime_ ? Touch(key, item) : server_.backend.Get(key, item, GetUse::kCounts);
  CountFetch(exptime_.has_value(), is_hit, server_.counters);
  return is_hit;
}

bool MultiGet::Touch(std::string_view key, StoredValue& item) {
  const VisitRequest request{.key = key, .use = GetUse::kCounts, .exptime = exptime_};
  return server_.backend.Visit(request, item).result == StoreResult::kDone;
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

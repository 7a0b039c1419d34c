#include "kvcache/protocol/multi_get.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <limits>
#include <span>

#include "kvcache/protocol/give_back.h"
#include "kvcache/protocol/statistics.h"
#include "kvcache/protocol/tokens.h"
#include "kvcache/protocol/watch_lines.h"
#include "kvcache/protocol/wording.h"

namespace tombolo::kvcache {
namespace {

// More is not kept for the next command.
constexpr size_t kKeptItemBytes = 1024 * 1024;

constexpr size_t kMaxDigits = std::numeric_limits<uint64_t>::digits10 + 1;

// Where the first key that is too long begins; npos: there is none.
size_t FindLongKey(std::string_view keys) {
  if (keys.size() <= kMaxTextKeyBytes) return std::string_view::npos;
  std::string_view left = keys;
  for (;;) {
    const std::string_view key = TakeToken(left);
    if (key.size() > kMaxTextKeyBytes) return static_cast<size_t>(key.data() - keys.data());
    if (key.empty()) return std::string_view::npos;
  }
}

char* Write(std::string_view text, char* at) { return std::copy_n(text.data(), text.size(), at); }

char* WriteNumber(uint64_t number, char* at) {
  return std::to_chars(at, at + kMaxDigits, number).ptr;
}

// One item of the answer: VALUE <key> <flags> <bytes> [<cas>]\r\n<value>\r\n
class ItemReply final : public ValueTarget {
 public:
  ItemReply(std::string_view key, bool with_cas, Replies& replies)
      : key_(key), with_cas_(with_cas), replies_(replies), begin_(replies.Mark()) {}

  std::byte* RoomFor(const StoredValue& item) override {
    TakeBack();
    char* const head = replies_.Extend(kWord.size() + key_.size() + 3 * (1 + kMaxDigits) + 2);
    char* at = Write(key_, Write(kWord, head));
    *at++ = ' ';
    at = WriteNumber(item.flags, at);
    *at++ = ' ';
    at = WriteNumber(item.value_bytes, at);
    if (with_cas_) {
      *at++ = ' ';
      at = WriteNumber(item.cas, at);
    }
    at = Write(kLineEnd, at);
    // Numbers are shorter than they might be.
    replies_.Rewind(begin_ + static_cast<size_t>(at - head));
    char* const value = replies_.Extend(item.value_bytes + kLineEnd.size());
    Write(kLineEnd, value + item.value_bytes);
    return reinterpret_cast<std::byte*>(value);
  }

  void TakeBack() { replies_.Rewind(begin_); }

 private:
  static constexpr std::string_view kWord = "VALUE ";
  static constexpr std::string_view kLineEnd = "\r\n";

  const std::string_view key_;
  const bool with_cas_;
  Replies& replies_;
  const size_t begin_;
};

}  // namespace

void MultiGet::Begin(std::string_view keys, bool with_cas, std::optional<int64_t> exptime) {
  with_cas_ = with_cas;
  exptime_ = exptime;
  const size_t long_key = FindLongKey(keys);
  is_refused_ = long_key != std::string_view::npos;
  left_ = keys.substr(0, long_key);
  is_pending_ = true;
  if (Continue()) return;
  kept_ = left_;
  left_ = kept_;
}

bool MultiGet::Continue() {
  if (!is_pending_) return true;
  for (int keys = 0; is_pending_ && keys < kMaxKeysAtOnce && !replies_.IsFull(); ++keys) {
    const std::string_view key = TakeToken(left_);
    if (key.empty()) {
      End(is_refused_ ? kBadFormat : "END");
      break;
    }
    if (keys % kExpectedKeys == 0 && !left_.empty()) Expect(key);
    AskFor(key);
    // What was sent before stays: the end tells that it is not all.
    if (server_.backend.TakeFailure()) End(kNoOwner);
  }
  std::string& value = server_.item.value;
  if (value.capacity() > kKeptItemBytes) std::string().swap(value);
  return !is_pending_;
}

// `key` and those behind it.
void MultiGet::Expect(std::string_view key) {
  std::array<std::string_view, kExpectedKeys> keys;
  size_t count = 0;
  for (std::string_view left = left_; !key.empty(); key = TakeToken(left)) {
    keys[count++] = key;
    if (count == keys.size()) break;
  }
  server_.backend.Expect(std::span(keys).first(count));
}

void MultiGet::End(std::string_view last_line) {
  is_pending_ = false;
  left_ = {};
  GiveBack(kept_);  // They may be long, and the next command need not be.
  replies_.AppendLine(last_line);
}

void MultiGet::AskFor(std::string_view key) {
  if (is_refused_) return Use(key);
  Send(key);
}

// The keys before the one that is too long were asked for all the same.
// SUBTLE: without their values. Nothing is sent, so nothing would keep a line of keys from making
// us copy the largest item half a million times.
void MultiGet::Use(std::string_view key) {
  StoredValue item;
  const StoreAnswer answer = server_.backend.Visit(
      {.key = key, .wants_value = false, .use = GetUse::kCounts, .exptime = exptime_}, item);
  const bool is_hit = answer.result == StoreResult::kDone;
  CountFetch(exptime_.has_value(), is_hit, server_.counters);
  server_.prefixes->CountGet(key, is_hit);
  TellFetch(server_, key, is_hit, item.value_bytes);
}

void MultiGet::Send(std::string_view key) {
  ItemReply reply(key, with_cas_, replies_);
  const bool is_hit = exptime_ ? Touch(key, reply)
                               : server_.backend.GetTo(key, server_.item, GetUse::kCounts, reply);
  if (!is_hit) reply.TakeBack();
  CountFetch(exptime_.has_value(), is_hit, server_.counters);
  server_.prefixes->CountGet(key, is_hit);
  TellFetch(server_, key, is_hit, server_.item.value_bytes);
}

bool MultiGet::Touch(std::string_view key, ValueTarget& target) {
  StoredValue& item = server_.item;
  const VisitRequest request{.key = key, .use = GetUse::kCounts, .exptime = exptime_};
  if (server_.backend.Visit(request, item).result != StoreResult::kDone) return false;
  item.value_bytes = static_cast<uint32_t>(item.value.size());  // As Backend::GetTo().
  std::ranges::copy(std::as_bytes(std::span(item.value)), target.RoomFor(item));
  return true;
}

}  // namespace tombolo::kvcache

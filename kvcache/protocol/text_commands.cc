// The commands of the text protocol, one function each.
#include <algorithm>
#include <climits>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "kvcache/protocol/statistics.h"
#include "kvcache/protocol/text_protocol.h"
#include "kvcache/store/numbers.h"

namespace tombolo::kvcache {
namespace {

constexpr std::string_view kBadFormat = "CLIENT_ERROR bad command line format";
constexpr std::string_view kBadDelete =
    "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]";
constexpr std::string_view kBadExptime = "CLIENT_ERROR invalid exptime argument";
constexpr int32_t kMaxValueBytes = INT_MAX - 2;

bool IsLong(std::string_view key) { return key.size() > kMaxTextKeyBytes; }

}  // namespace

void TextProtocol::Get(const Tokens& tokens) {
  multi_get_.Begin(arguments_, tokens[0] == "gets", std::nullopt);
}

void TextProtocol::GetAndTouch(const Tokens& tokens) {
  const std::optional<int32_t> exptime = Signed32In(tokens.Text(1).c_str());
  if (!exptime) return Answer(kBadExptime);
  TakeToken(arguments_);
  multi_get_.Begin(arguments_, tokens[0] == "gats", *exptime);
}

void TextProtocol::Put(const Tokens& tokens, PutMode mode) {
  ListenForNoreply(tokens);
  PendingPut put{.mode = mode, .is_quiet = is_quiet_};
  int32_t value_bytes = 0;
  if (!ParsePut(tokens, put, value_bytes)) return Answer(kBadFormat);
  const auto bytes = static_cast<uint64_t>(value_bytes);
  if (!server_.backend.Fits(put.key.size(), bytes)) return RefusePut(put, bytes);
  AwaitValue(std::move(put), bytes);
}

bool TextProtocol::ParsePut(const Tokens& tokens, PendingPut& put, int32_t& value_bytes) const {
  const auto flags = Unsigned32In(tokens.Text(2).c_str());
  const auto exptime = Signed32In(tokens.Text(3).c_str());
  const auto bytes = Signed32In(tokens.Text(4).c_str());
  if (IsLong(tokens[1]) || !flags || !exptime || !bytes) return false;
  if (put.mode == PutMode::kCas) {
    const auto cas = UnsignedIn(tokens.Text(5).c_str());
    if (!cas) return false;
    put.cas = *cas;
  }
  put.key = tokens[1];
  put.flags = *flags;
  put.exptime = *exptime;
  value_bytes = *bytes;
  return value_bytes >= 0 && value_bytes <= kMaxValueBytes;
}

// Nobody may go on reading what a set was to replace.
void TextProtocol::RefusePut(const PendingPut& put, uint64_t value_bytes) {
  Answer("SERVER_ERROR object too large for cache");
  ++server_.counters.store_too_large;
  if (put.mode == PutMode::kSet) server_.backend.Remove({.key = put.key});
  SkipValue(value_bytes);
}

void TextProtocol::Count(const Tokens& tokens, bool is_down) {
  ListenForNoreply(tokens);
  if (IsLong(tokens[1])) return Answer(kBadFormat);
  const auto delta = UnsignedIn(tokens.Text(2).c_str());
  if (!delta) return Answer("CLIENT_ERROR invalid numeric delta argument");
  const StoreAnswer answer =
      server_.backend.Count({.key = tokens[1], .is_down = is_down, .delta = *delta});
  CountArithmetic(answer.result, is_down, server_.counters);
  switch (answer.result) {
    case StoreResult::kStored:
      return Answer(absl::StrCat(answer.number));
    case StoreResult::kNotFound:
      return Answer("NOT_FOUND");
    case StoreResult::kNotANumber:
      return Answer("CLIENT_ERROR cannot increment or decrement non-numeric value");
    default:
      return Answer("SERVER_ERROR out of memory");
  }
}

// A number may follow the key, of old, and must be 0.
void TextProtocol::Delete(const Tokens& tokens) {
  if (tokens.Count() > 2) {
    ListenForNoreply(tokens);
    const bool is_zero = tokens[2] == "0";
    const bool is_good = tokens.Count() == 3 ? is_zero || is_quiet_ : is_zero && is_quiet_;
    if (!is_good) return Answer(kBadDelete);
  }
  if (IsLong(tokens[1])) return Answer(kBadFormat);
  const bool is_hit = server_.backend.Remove({.key = tokens[1]}).result == StoreResult::kDone;
  ++(is_hit ? server_.counters.delete_hits : server_.counters.delete_misses);
  Answer(is_hit ? "DELETED" : "NOT_FOUND");
}

void TextProtocol::Touch(const Tokens& tokens) {
  ListenForNoreply(tokens);
  if (IsLong(tokens[1])) return Answer(kBadFormat);
  const auto exptime = Signed32In(tokens.Text(2).c_str());
  if (!exptime) return Answer(kBadExptime);
  const StoreAnswer answer =
      server_.backend.Amend({.key = tokens[1], .exptime = *exptime, .use = GetUse::kCounts});
  const bool is_hit = answer.result == StoreResult::kDone;
  ++server_.counters.cmd_touch;
  ++(is_hit ? server_.counters.touch_hits : server_.counters.touch_misses);
  Answer(is_hit ? "TOUCHED" : "NOT_FOUND");
}

void TextProtocol::FlushAll(const Tokens& tokens) {
  ListenForNoreply(tokens);
  ++server_.counters.cmd_flush;
  if (!server_.facts.allows_flush) return Answer("CLIENT_ERROR flush_all not allowed");
  std::optional<int32_t> delay = 0;
  if (tokens.Count() != (is_quiet_ ? 2u : 1u)) delay = Signed32In(tokens.Text(1).c_str());
  if (!delay) return Answer(kBadExptime);
  server_.backend.FlushAll(std::max(*delay, 0));
  Answer("OK");
}

void TextProtocol::Stats(const Tokens& tokens) {
  if (tokens.Count() > 1 && tokens[1] == "reset") {
    ResetStatistics(server_);
    return Answer("RESET");
  }
  if (tokens.Count() > 1 && tokens[1] == "cachedump") {
    return Answer("CLIENT_ERROR stats cachedump not allowed");
  }
  const auto list = ListStatistics(server_, tokens.Count() > 1 ? tokens[1] : "");
  if (!list) return Answer("ERROR");
  for (const Statistic& statistic : *list) {
    replies_.Append(absl::StrCat("STAT ", statistic.name, " ", statistic.value, "\r\n"));
  }
  Answer("END");
}

void TextProtocol::Verbosity(const Tokens& tokens) {
  ListenForNoreply(tokens);
  const auto level = Unsigned32In(tokens.Text(1).c_str());
  if (!level) return Answer(kBadFormat);
  server_.facts.verbosity = *level;
  Answer("OK");
}

void TextProtocol::Version(const Tokens& /*tokens*/) {
  Answer(absl::StrCat("VERSION ", server_.facts.version));
}

void TextProtocol::Quit(const Tokens& /*tokens*/) { replies_.Close(); }

void TextProtocol::Shutdown(const Tokens& /*tokens*/) { Answer("ERROR: shutdown not enabled"); }

void TextProtocol::MetaSet(const Tokens& tokens) {
  PendingPut put;
  std::optional<uint64_t> value_bytes;
  const bool is_good = meta_.BeginSet(tokens, put, value_bytes);
  if (is_good) return AwaitValue(std::move(put), *value_bytes);
  if (value_bytes) SkipValue(*value_bytes);
}

void TextProtocol::MetaNoop(const Tokens& /*tokens*/) { Answer("MN"); }

}  // namespace tombolo::kvcache

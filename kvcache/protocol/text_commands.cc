// The commands of the text protocol, one function each.
#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "kvcache/protocol/statistics.h"
#include "kvcache/protocol/text_protocol.h"
#include "kvcache/protocol/watch_lines.h"
#include "kvcache/protocol/wording.h"
#include "kvcache/store/numbers.h"

namespace tombolo::kvcache {
namespace {

constexpr std::string_view kBadDelete =
    "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]";
constexpr std::string_view kBadExptime = "CLIENT_ERROR invalid exptime argument";

constexpr std::string_view kNoFlush = "CLIENT_ERROR flush_all not allowed";

bool IsLong(std::string_view key) { return key.size() > kMaxTextKeyBytes; }

// After the key there may be a 0, which was a delay once, and noreply.
bool IsGoodDelete(const Tokens& tokens) {
  size_t good = 2;
  if (good < tokens.Count() && tokens[good] == "0") ++good;
  if (good < tokens.Count() && tokens[good] == "noreply") ++good;
  return good == tokens.Count();
}

}  // namespace

void TextProtocol::Get(const Tokens& tokens) {
  multi_get_.Begin(arguments_, tokens[0] == "gets", std::nullopt);
}

void TextProtocol::GetAndTouch(const Tokens& tokens) {
  const std::optional<int32_t> exptime = Signed32In(tokens[1]);
  if (!exptime) return Answer(kBadExptime);
  TakeToken(arguments_);
  multi_get_.Begin(arguments_, tokens[0] == "gats", *exptime);
}

void TextProtocol::Put(const Tokens& tokens, PutMode mode) {
  ListenForNoreply(tokens);
  PendingPut put{.mode = mode, .is_quiet = is_quiet_};
  const std::optional<uint64_t> value_bytes = ReadPut(tokens, put);
  if (!value_bytes) return Answer(kBadFormat);
  server_.prefixes->CountSet(put.key);
  if (Admit(put, *value_bytes, server_)) return AwaitValue(std::move(put), *value_bytes);
  Answer(kTooLarge);
  SkipValue(*value_bytes);
}

// Gives how long the value is to be; nothing when the line makes no sense.
std::optional<uint64_t> TextProtocol::ReadPut(const Tokens& tokens, PendingPut& put) const {
  const bool has_cas = put.mode == PutMode::kCas;
  const auto flags = Unsigned32In(tokens[2]);
  const auto exptime = Signed32In(tokens[3]);
  const auto cas = has_cas ? UnsignedIn(tokens[5]) : uint64_t{0};
  if (IsLong(tokens[1]) || !flags || !exptime || !cas) return std::nullopt;
  put.key = tokens[1];
  put.flags = *flags;
  put.exptime = *exptime;
  put.cas = *cas;
  return ValueBytesIn(tokens[4]);
}

void TextProtocol::Count(const Tokens& tokens, bool is_down) {
  ListenForNoreply(tokens);
  if (IsLong(tokens[1])) return Answer(kBadFormat);
  const auto delta = UnsignedIn(tokens[2]);
  if (!delta) return Answer("CLIENT_ERROR invalid numeric delta argument");
  const StoreAnswer answer =
      RunCount(server_, {.key = tokens[1], .is_down = is_down, .delta = *delta});
  CountArithmetic(answer.result, is_down, server_.counters);
  switch (answer.result) {
    case StoreResult::kStored:
      return Answer(absl::StrCat(answer.number));
    case StoreResult::kNotFound:
      return Answer("NOT_FOUND");
    case StoreResult::kNotANumber:
      return Answer(kNoNumber);
    default:
      return Answer(kOutOfMemory);
  }
}

void TextProtocol::Delete(const Tokens& tokens) {
  // A key may be called noreply.
  if (tokens.Count() > 2) ListenForNoreply(tokens);
  if (!IsGoodDelete(tokens)) return Answer(kBadDelete);
  if (IsLong(tokens[1])) return Answer(kBadFormat);
  server_.prefixes->CountDelete(tokens[1]);
  const bool is_hit = RunRemove(server_, {.key = tokens[1]}).result == StoreResult::kDone;
  ++(is_hit ? server_.counters.delete_hits : server_.counters.delete_misses);
  Answer(is_hit ? "DELETED" : "NOT_FOUND");
}

void TextProtocol::Touch(const Tokens& tokens) {
  ListenForNoreply(tokens);
  if (IsLong(tokens[1])) return Answer(kBadFormat);
  const auto exptime = Signed32In(tokens[2]);
  if (!exptime) return Answer(kBadExptime);
  StoredValue item;
  const StoreAnswer answer = server_.backend.Visit(
      {.key = tokens[1], .wants_value = false, .use = GetUse::kCounts, .exptime = *exptime}, item);
  const bool is_hit = answer.result == StoreResult::kDone;
  CountFetch(/*is_touch=*/true, is_hit, server_.counters);
  TellFetch(server_, tokens[1], is_hit, item.value_bytes);
  Answer(is_hit ? "TOUCHED" : "NOT_FOUND");
}

void TextProtocol::FlushAll(const Tokens& tokens) {
  ListenForNoreply(tokens);
  ++server_.counters.cmd_flush;
  if (!server_.facts.allows_flush) return Answer(kNoFlush);
  const bool has_delay = tokens.Count() > (is_quiet_ ? 2 : 1);
  const std::optional<int32_t> delay = has_delay ? Signed32In(tokens[1]) : 0;
  if (!delay) return Answer(kBadExptime);
  Answer(server_.backend.FlushAll(std::max(*delay, 0)) ? "OK" : kNoFlush);
}

void TextProtocol::Stats(const Tokens& tokens) {
  if (tokens.Count() > 1 && tokens[1] == "reset") {
    return Answer(ResetStatistics(server_) ? "RESET" : kNoOwner);
  }
  if (tokens.Count() > 1 && tokens[1] == "cachedump") {
    return Answer("CLIENT_ERROR stats cachedump not allowed");
  }
  if (tokens.Count() > 1 && tokens[1] == "detail") return StatsDetail(tokens);
  const auto list = ListStatistics(server_, tokens.Count() > 1 ? tokens[1] : "");
  if (!list) return Answer("ERROR");
  for (const Statistic& statistic : *list) {
    replies_.Append(absl::StrCat("STAT ", statistic.name, " ", statistic.value, "\r\n"));
  }
  Answer("END");
}

void TextProtocol::StatsDetail(const Tokens& tokens) {
  const std::string_view what = tokens.Count() > 2 ? tokens[2] : std::string_view();
  if (what == "dump") return replies_.Append(server_.prefixes->Dump());
  if (what != "on" && what != "off") {
    return Answer("CLIENT_ERROR usage: stats detail on|off|dump");
  }
  server_.prefixes->Turn(what == "on");
  Answer("OK");
}

void TextProtocol::Verbosity(const Tokens& tokens) {
  ListenForNoreply(tokens);
  const auto level = Unsigned32In(tokens[1]);
  if (!level) return Answer(kBadFormat);
  server_.facts.verbosity = *level;
  if (server_.whole != nullptr) server_.whole->SetVerbosity(*level);
  Answer("OK");
}

void TextProtocol::Version(const Tokens& /*tokens*/) {
  Answer(absl::StrCat("VERSION ", server_.facts.version));
}

void TextProtocol::Quit(const Tokens& /*tokens*/) { replies_.Close(); }

void TextProtocol::Shutdown(const Tokens& /*tokens*/) { Answer("ERROR: shutdown not enabled"); }

// Nothing else is done on this connection from here on.
// SUBTLE: the one answer for which it matters what came at once with what, as in memcached: an
// answer of ours that is still there tells that it did.
void TextProtocol::Watch(const Tokens& tokens) {
  ListenForNoreply(tokens);
  if (server_.watch_log == nullptr) return Answer("CLIENT_ERROR watch commands not allowed");
  if (!follows_sent_ && !replies_.Unsent().empty()) {
    return replies_.AppendLine("ERROR cannot pipeline other commands before watch");
  }
  const std::optional<uint32_t> kinds = WatchKindsIn(tokens);
  if (!kinds) return Answer("ERROR");
  watcher_ = server_.watch_log->Add(*kinds, server_.ring);
  if (watcher_ == nullptr) return Answer("WATCHER_TOO_MANY log watcher limit reached");
  state_ = State::kWatching;
  Answer("OK");
}

bool TextProtocol::TakeNews() {
  if (watcher_ == nullptr) return false;
  if (!replies_.Unsent().empty()) return true;
  const std::string lines = watcher_->Take();
  replies_.Append(lines);
  return !lines.empty();
}

void TextProtocol::MetaSet(const Tokens& tokens) {
  PendingPut put;
  std::optional<uint64_t> value_bytes;
  const bool is_good = meta_.BeginSet(tokens, put, value_bytes);
  if (is_good) return AwaitValue(std::move(put), *value_bytes);
  if (value_bytes) SkipValue(*value_bytes);
}

void TextProtocol::MetaNoop(const Tokens& /*tokens*/) { Answer("MN"); }

}  // namespace tombolo::kvcache

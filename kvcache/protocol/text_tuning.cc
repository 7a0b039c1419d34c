// The commands of the text protocol by which an operator tunes memcached's memory. Slab classes and
// a crawler are not there: what would tune them is checked as memcached checks it, and changes
// nothing.
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "kvcache/protocol/text_protocol.h"
#include "kvcache/protocol/wording.h"
#include "kvcache/store/numbers.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {
namespace {

constexpr std::string_view kBadClass = "BADCLASS invalid class id";

constexpr uint64_t kLastClass = 63;
constexpr uint32_t kMaxSleepUs = 1'000'000;
constexpr uint64_t kLeastMib = 8;
constexpr uint64_t kMostMib = 1'000'000'000;
constexpr uint64_t kMostPercent = 80;
constexpr uint64_t kMostAutomove = 2;

// Numbers of slab classes, with commas between.
bool AreClasses(std::string_view text) {
  if (text == "all" || text == "hash") return true;
  for (const absl::string_view part :
       absl::StrSplit(absl::string_view(text.data(), text.size()), ',')) {
    const std::optional<uint64_t> number = UnsignedIn({part.data(), part.size()});
    if (!number || *number == 0 || *number > kLastClass) return false;
  }
  return true;
}

std::optional<double> FractionIn(std::string_view text) {
  double number = 0;
  if (!absl::SimpleAtod({text.data(), text.size()}, &number)) return std::nullopt;
  return number;
}

// lru tune HOT WARM HOT_FACTOR WARM_FACTOR
std::string_view AnswerToTune(const Tokens& tokens) {
  if (tokens.Count() < 6) return "ERROR";
  const auto hot = Unsigned32In(tokens[2]);
  const auto warm = Unsigned32In(tokens[3]);
  const auto hot_factor = FractionIn(tokens[4]);
  const auto warm_factor = FractionIn(tokens[5]);
  if (!hot || !warm || !hot_factor || !warm_factor) return "ERROR";
  if (uint64_t{*hot} + *warm > kMostPercent) return "ERROR hot and warm pcts must not exceed 80";
  if (*hot_factor <= 0 || *warm_factor <= 0) {
    return "ERROR hot/warm age factors must be greater than 0";
  }
  return "OK";
}

}  // namespace

void TextProtocol::Lru(const Tokens& tokens) {
  ListenForNoreply(tokens);
  if (tokens.Count() < 3) return Answer("ERROR");
  if (tokens[1] == "tune") return Answer(AnswerToTune(tokens));
  const bool is_mode = tokens[1] == "mode" && (tokens[2] == "flat" || tokens[2] == "segmented");
  const bool is_ttl = tokens[1] == "temp_ttl" && Signed32In(tokens[2]).has_value();
  Answer(is_mode || is_ttl ? "OK" : "ERROR");
}

void TextProtocol::LruCrawler(const Tokens& tokens) {
  if (tokens.Count() == 2 && (tokens[1] == "enable" || tokens[1] == "disable")) {
    return Answer("OK");
  }
  if (tokens.Count() != 3) return Answer("ERROR");
  if (tokens[1] == "metadump") return Metadump(tokens);
  if (tokens[1] == "crawl") return Answer(AreClasses(tokens[2]) ? "OK" : kBadClass);
  const bool is_sleep = tokens[1] == "sleep";
  if (!is_sleep && tokens[1] != "tocrawl") return Answer("ERROR");
  const auto number = Unsigned32In(tokens[2]);
  if (!number) return Answer(kBadFormat);
  const bool is_long = is_sleep && *number > kMaxSleepUs;
  Answer(is_long ? "CLIENT_ERROR sleep must be one second or less" : "OK");
}

// All items are of one class, whichever are asked for.
void TextProtocol::Metadump(const Tokens& tokens) {
  if (!server_.facts.allows_dump) return Answer("ERROR metadump not allowed");
  if (!AreClasses(tokens[2])) return Answer(kBadClass);
  dump_.Begin();
}

void TextProtocol::Slabs(const Tokens& tokens) {
  if (tokens.Count() == 4 && tokens[1] == "reassign") {
    return Answer("CLIENT_ERROR slab reassignment disabled");
  }
  if (tokens.Count() < 3 || tokens[1] != "automove") return Answer("ERROR");
  ListenForNoreply(tokens);
  const auto level = Unsigned32In(tokens[2]);
  if (!level) return Answer(kBadFormat);
  Answer(*level <= kMostAutomove ? "OK" : "ERROR");
}

void TextProtocol::CacheMemlimit(const Tokens& tokens) {
  ListenForNoreply(tokens);
  const auto mib = UnsignedIn(tokens[1]);
  if (!mib) return Answer("ERROR");
  if (*mib < kLeastMib) {
    return Answer("MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m");
  }
  if (*mib > kMostMib) {
    return Answer("MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes");
  }
  const bool is_limited = server_.backend.LimitMemory(*mib * kMiB);
  Answer(is_limited ? "OK" : "MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust");
}

}  // namespace tombolo::kvcache

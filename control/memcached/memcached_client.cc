#include "control/memcached/memcached_client.h"

#include <time.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "control/words/words.h"

namespace tombolo::control {
namespace {

// What is more is a time: memcached's doc/protocol.txt, "Expiration times".
constexpr uint32_t kMostRelativeSeconds = 60 * 60 * 24 * 30;

// `STAT NAME VALUE`; false: it is none.
bool ParseStatistic(const std::string& line, Statistics& statistics) {
  const std::vector<std::string> words = absl::StrSplit(line, absl::MaxSplits(' ', 2));
  if (words.size() < 2 || words[0] != "STAT") return false;
  statistics.emplace_back(words[1], words.size() == 3 ? words[2] : "");
  return true;
}

// The bytes of the value in `VALUE KEY FLAGS BYTES`; nothing: it is no such line.
std::optional<size_t> ParseValueLine(const std::string& line, const std::string& key) {
  const std::vector<std::string> words = absl::StrSplit(line, ' ');
  uint32_t flags = 0;
  uint64_t bytes = 0;
  if (words.size() != 4 || words[0] != "VALUE" || words[1] != key) return std::nullopt;
  if (!absl::SimpleAtoi(words[2], &flags) || !absl::SimpleAtoi(words[3], &bytes)) {
    return std::nullopt;
  }
  if (bytes > kMostValueBytes) return std::nullopt;
  return bytes;
}

// What to do about an error that servers are known to say.
const char* RemedyOf(const std::string& line) {
  if (absl::StrContains(line, "Too many open connections")) {
    return "it has all the clients that it allows; wait until some leave, or start it with a "
           "larger "
           "-c";
  }
  if (absl::StrContains(line, "unauthenticated")) {
    return "it wants a password (-Y), which this client does not give";
  }
  if (absl::StrContains(line, "owner of the cache cannot be reached")) {
    return "tombolo-kv is down on the host, or the tunnel to it; its log and that of tombolo-agent "
           "say more";
  }
  if (absl::StrContains(line, "out of memory")) {
    return "nothing can be evicted for it; start the server with a larger -m";
  }
  if (absl::StartsWith(line, "SERVER_ERROR")) return "its log may say more";
  return "that is no answer to what it was asked; name a memcached server with --server";
}

}  // namespace

absl::Status CheckKey(std::string_view key) {
  const auto is_bad = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; };
  if (key.empty() || key.size() > kMostKeyBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a key of ", key.size(), " bytes; memcached's have 1 to ", kMostKeyBytes, "."));
  }
  const auto bad = std::ranges::find_if(key, is_bad);
  if (bad == key.end()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "the key '", Printable(std::string(key)), "' has a blank or control character at byte ",
      bad - key.begin(), "; keys of memcached's text protocol have none."));
}

absl::StatusOr<uint32_t> ExptimeOf(uint32_t ttl_s, int64_t now_s) {
  if (ttl_s <= kMostRelativeSeconds) return ttl_s;
  const int64_t expiry_s = now_s + int64_t{ttl_s};
  if (expiry_s <= std::numeric_limits<int32_t>::max()) return static_cast<uint32_t>(expiry_s);
  return absl::InvalidArgumentError(
      absl::StrCat("in ", ttl_s,
                   " s it is after 2038-01-19, which memcached's protocol cannot say; use less, or "
                   "0 for no end."));
}

MemcachedClient::MemcachedClient(ServerAddress address, int64_t timeout_ns)
    : address_(std::move(address)), timeout_ns_(timeout_ns) {}

absl::StatusOr<std::optional<std::string>> MemcachedClient::Get(const std::string& key) {
  if (absl::Status good = CheckKey(key); !good.ok()) return good;
  const absl::StatusOr<std::string> line = Ask(absl::StrCat("get ", key, "\r\n"));
  if (!line.ok()) return line.status();
  if (*line == "END") return std::nullopt;
  absl::StatusOr<std::string> value = ReadValue(*line, key);
  if (!value.ok()) {
    connection_.reset();
    return value.status();
  }
  return *std::move(value);
}

absl::StatusOr<std::string> MemcachedClient::ReadValue(const std::string& line,
                                                       const std::string& key) {
  const std::optional<size_t> bytes = ParseValueLine(line, key);
  if (!bytes) return Unexpected(line);
  absl::StatusOr<std::string> value = connection_->ReadBlock(*bytes);
  if (!value.ok()) return value;
  for (const char* expected : {"", "END"}) {
    const absl::StatusOr<std::string> after = connection_->ReadLine();
    if (!after.ok()) return after.status();
    if (*after != expected) return Unexpected(*after);
  }
  return value;
}

absl::Status MemcachedClient::Set(const std::string& key, std::string_view value,
                                  const SetOptions& options) {
  if (absl::Status good = CheckKey(key); !good.ok()) return good;
  const absl::StatusOr<uint32_t> exptime = ExptimeOf(options.ttl_s, time(nullptr));
  if (!exptime.ok()) return exptime.status();
  const std::string request =
      absl::StrCat("set ", key, " ", options.flags, " ", *exptime, " ", value.size(), "\r\n");
  const absl::StatusOr<std::string> line = Ask(request, value);
  if (!line.ok()) return line.status();
  if (*line == "STORED") return absl::OkStatus();
  return absl::StrContains(*line, "too large") ? TooLarge(value.size(), *line) : Unexpected(*line);
}

absl::Status MemcachedClient::TooLarge(size_t value_bytes, const std::string& line) {
  std::string allowed = "is said by its -I";
  if (const absl::StatusOr<Statistics> settings = Stats("settings"); settings.ok()) {
    for (const auto& [name, value] : *settings) {
      if (name == "item_size_max") allowed = absl::StrCat("is ", Printable(value), " (-I)");
    }
  }
  return absl::OutOfRangeError(
      absl::StrCat(Server(), " answered '", Printable(line), "': the value has ", value_bytes,
                   " bytes, and the largest item there, with its key and header, ", allowed,
                   "; start the server with a larger -I, or store less."));
}

absl::StatusOr<bool> MemcachedClient::Delete(const std::string& key) {
  if (absl::Status good = CheckKey(key); !good.ok()) return good;
  const absl::StatusOr<std::string> line = Ask(absl::StrCat("delete ", key, "\r\n"));
  if (!line.ok()) return line.status();
  if (*line == "DELETED") return true;
  if (*line == "NOT_FOUND") return false;
  return Unexpected(*line);
}

absl::StatusOr<Statistics> MemcachedClient::Stats(const std::string& group) {
  if (!group.empty() && !CheckKey(group).ok()) {
    return absl::InvalidArgumentError(absl::StrCat("'", Printable(group),
                                                   "' is no group of statistics; there are items, "
                                                   "slabs, settings, sizes and conns."));
  }
  const absl::StatusOr<std::string> line =
      Ask(group.empty() ? "stats\r\n" : absl::StrCat("stats ", group, "\r\n"));
  if (!line.ok()) return line.status();
  if (*line == "RESET") return Statistics();
  if (!group.empty() && (*line == "ERROR" || absl::StartsWith(*line, "CLIENT_ERROR"))) {
    return absl::InvalidArgumentError(
        absl::StrCat(Server(), " answered '", Printable(*line), "': it has no statistics '", group,
                     "'; try items, slabs, settings, sizes or conns."));
  }
  absl::StatusOr<Statistics> statistics = ReadStatistics(*line);
  if (!statistics.ok()) connection_.reset();
  return statistics;
}

absl::StatusOr<Statistics> MemcachedClient::ReadStatistics(std::string line) {
  Statistics statistics;
  while (line != "END") {
    if (statistics.size() == kMostStatistics || !ParseStatistic(line, statistics)) {
      return Unexpected(line);
    }
    absl::StatusOr<std::string> next = connection_->ReadLine();
    if (!next.ok()) return next.status();
    line = *std::move(next);
  }
  return statistics;
}

absl::StatusOr<std::string> MemcachedClient::Ask(const std::string& request,
                                                 std::optional<std::string_view> value) {
  if (!connection_) {
    absl::StatusOr<UniqueFd> socket = address_.Connect(timeout_ns_);
    if (!socket.ok()) return socket.status();
    connection_.emplace(*std::move(socket), Server(), timeout_ns_);
  }
  const absl::Status said = Say(request, value);
  // A server that takes no more may have said why.
  absl::StatusOr<std::string> line = connection_->ReadLine();
  if (line.ok()) return line;
  connection_.reset();
  return said.ok() ? line.status() : said;
}

absl::Status MemcachedClient::Say(const std::string& request,
                                  std::optional<std::string_view> value) {
  absl::Status said = connection_->Send(request);
  if (said.ok() && value) said = connection_->Send(*value);
  if (said.ok() && value) said = connection_->Send("\r\n");
  return said;
}

absl::Status MemcachedClient::Unexpected(const std::string& line) {
  connection_.reset();
  return absl::FailedPreconditionError(absl::StrCat(
      Server(), " answered '", Printable(line.substr(0, 200)), "': ", RemedyOf(line), "."));
}

}  // namespace tombolo::control

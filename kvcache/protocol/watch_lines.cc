#include "kvcache/protocol/watch_lines.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "kvcache/protocol/encoded_key.h"
#include "kvcache/store/expiry.h"

namespace tombolo::kvcache {
namespace {

struct NamedKinds {
  std::string_view name;
  uint32_t kinds;
};

// Those of memcached 1.6.18.
constexpr NamedKinds kKinds[] = {
    {"fetchers", kWatchFetchers},
    {"mutations", kWatchMutations},
    {"evictions", kWatchEvictions},
    {"connevents", kWatchConnections},
    {"rawcmds", 0},
    {"sysevents", 0},
    {"proxyreqs", 0},
    {"proxyevents", 0},
    {"proxyuser", 0},
};

const char* StatusOf(StoreResult result) {
  switch (result) {
    case StoreResult::kStored:
      return "stored";
    case StoreResult::kExists:
      return "exists";
    case StoreResult::kNotFound:
      return "not_found";
    case StoreResult::kTooLarge:
      return "too_large";
    case StoreResult::kNoMemory:
      return "no_memory";
    default:
      return "not_stored";
  }
}

const char* NameOf(PutMode mode) {
  switch (mode) {
    case PutMode::kSet:
      return "set";
    case PutMode::kAdd:
      return "add";
    case PutMode::kReplace:
      return "replace";
    case PutMode::kCas:
      return "cas";
    case PutMode::kAppend:
      return "append";
    case PutMode::kPrepend:
      break;
  }
  return "prepend";
}

bool IsJoin(PutMode mode) { return mode == PutMode::kAppend || mode == PutMode::kPrepend; }

}  // namespace

std::optional<uint32_t> WatchKindsIn(const Tokens& tokens) {
  if (tokens.Count() == 1) return kWatchFetchers;
  uint32_t kinds = 0;
  for (size_t i = 1; i < tokens.Count(); ++i) {
    const auto named =
        std::find_if(std::begin(kKinds), std::end(kKinds),
                     [&](const NamedKinds& known) { return known.name == tokens[i]; });
    if (named == std::end(kKinds)) return std::nullopt;
    kinds |= named->kinds;
  }
  return kinds;
}

void TellFetchToWatchers(const Server& server, std::string_view key, bool is_hit,
                         uint32_t value_bytes) {
  server.watch_log->Tell(
      kWatchFetchers, absl::StrCat("type=item_get key=", EncodedKey(key), " status=",
                                   is_hit ? "found" : "not_found", " clsid=", is_hit ? 1 : 0,
                                   " cfd=", server.served_fd, " size=", is_hit ? value_bytes : 0));
}

SeenBefore LookBefore(Server& server, std::string_view key) {
  if (!IsWatched(server, kWatchFetchers | kWatchMutations)) return {};
  StoredValue item;
  const bool is_hit = server.backend.Describe(key, item, GetUse::kPeeks);
  TellFetch(server, key, is_hit, item.value_bytes);
  if (!is_hit) return {};
  return {.value_bytes = item.value_bytes, .expiry_s = item.expiry_s};
}

void TellStore(Server& server, const PendingPut& put, uint64_t value_bytes,
               const SeenBefore& before, StoreResult result) {
  if (!IsWatched(server, kWatchMutations)) return;
  const uint32_t now_s = server.backend.NowS();
  const bool is_joined = IsJoin(put.mode) && result == StoreResult::kStored;
  const uint32_t expiry_s = is_joined ? before.expiry_s : ExpiryOf(put.exptime, now_s);
  // SUBTLE: what has expired already counts down from 2^32, as it does in memcached.
  const uint32_t ttl_s = expiry_s == 0 ? 0 : expiry_s - now_s;
  server.watch_log->Tell(
      kWatchMutations,
      absl::StrCat("type=item_store key=", EncodedKey(put.key), " status=", StatusOf(result),
                   " cmd=", NameOf(put.mode), " ttl=", ttl_s, " clsid=1 cfd=", server.served_fd,
                   " size=", value_bytes + (is_joined ? before.value_bytes : 0)));
}

StoreAnswer RunCount(Server& server, const CountRequest& request) {
  LookBefore(server, request.key);
  const StoreAnswer answer = server.backend.Count(request);
  if (!answer.is_new || !IsWatched(server, kWatchMutations)) return answer;
  // A number that was made is one that was added.
  const PendingPut added{
      .mode = PutMode::kAdd, .key = std::string(request.key), .exptime = request.initial_exptime};
  TellStore(server, added, absl::StrCat(answer.number).size(), {}, answer.result);
  return answer;
}

StoreAnswer RunRemove(Server& server, const RemoveRequest& request) {
  LookBefore(server, request.key);
  return server.backend.Remove(request);
}

}  // namespace tombolo::kvcache

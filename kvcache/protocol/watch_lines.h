// What sessions tell those who watch, in memcached's words (WatchLog). As long as nobody does, each
// of these functions costs a load beside what it is for.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "kvcache/protocol/pending_put.h"
#include "kvcache/protocol/server.h"
#include "kvcache/protocol/tokens.h"
#include "kvcache/protocol/watch_log.h"
#include "kvcache/store/store_types.h"

namespace tombolo::kvcache {

// What `watch` asks for, as its words after the first say: fetchers when there are none. Nothing:
// one of them means nothing. What memcached takes and has nothing to tell of here is 0.
std::optional<uint32_t> WatchKindsIn(const Tokens& tokens);

inline bool IsWatched(const Server& server, uint32_t kinds) {
  return server.watch_log != nullptr && server.watch_log->Wants(kinds);
}

void TellFetchToWatchers(const Server& server, std::string_view key, bool is_hit,
                         uint32_t value_bytes);

// An item was asked for. `value_bytes` means nothing after a miss.
inline void TellFetch(const Server& server, std::string_view key, bool is_hit,
                      uint32_t value_bytes) {
  if (!IsWatched(server, kWatchFetchers)) return;
  TellFetchToWatchers(server, key, is_hit, value_bytes);
}

// What was there before a command that changes it: looked at only when somebody watches, a moment
// before, for memcached tells of that too.
struct SeenBefore {
  uint32_t value_bytes = 0;
  uint32_t expiry_s = 0;
};
SeenBefore LookBefore(Server& server, std::string_view key);

// A command has stored `value_bytes`, or not.
void TellStore(Server& server, const PendingPut& put, uint64_t value_bytes,
               const SeenBefore& before, StoreResult result);

// As those of the backend, and told.
StoreAnswer RunCount(Server& server, const CountRequest& request);
StoreAnswer RunRemove(Server& server, const RemoveRequest& request);

}  // namespace tombolo::kvcache

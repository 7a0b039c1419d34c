// MemcachedClient: asks one server of memcached's text protocol, as a person at a terminal does:
// tombolo-kv, in a guest too, or stock memcached. It connects at the first question, and anew after
// an error. It does not spread keys over servers, and gives no password. Used by one thread.
//
// What a server answers is checked; an answer that makes no sense is an error that quotes it.
//
// Errors of all questions, beside their own: Unavailable, PermissionDenied: see
// ServerAddress::Connect and Connection; FailedPrecondition: what the server answered instead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/memcached/connection.h"
#include "control/memcached/server_address.h"

namespace tombolo::control {

// Of memcached's protocol.
inline constexpr size_t kMostKeyBytes = 250;
// What the largest -I of tombolo-kv and memcached lets in.
inline constexpr size_t kMostValueBytes = size_t{1} << 30;
// A server that has more of them is none.
inline constexpr size_t kMostStatistics = 1'000'000;

struct SetOptions {
  uint32_t flags = 0;  // Kept with the item; clients say with them what the value is.
  uint32_t ttl_s = 0;  // 0: it stays until it is evicted.
};

// Name and value, as the server says them and in its order.
using Statistics = std::vector<std::pair<std::string, std::string>>;

// InvalidArgument, unless it is 1 to 250 bytes without blanks and control characters.
absl::Status CheckKey(std::string_view key);

// How the protocol says `ttl_s` at `now_s` of Unix time: up to 30 days as they are, more as a time.
// InvalidArgument: that is after 2038-01-19, which the protocol cannot say.
absl::StatusOr<uint32_t> ExptimeOf(uint32_t ttl_s, int64_t now_s);

class MemcachedClient {
 public:
  MemcachedClient(ServerAddress address, int64_t timeout_ns);

  // The value; nothing: there is no such item.
  absl::StatusOr<std::optional<std::string>> Get(const std::string& key);

  // OutOfRange: the value is larger than the server allows.
  absl::Status Set(const std::string& key, std::string_view value, const SetOptions& options);

  // Whether there was such an item.
  absl::StatusOr<bool> Delete(const std::string& key);

  // `group`: as in "items"; empty: the general ones. InvalidArgument: the server has no such group.
  absl::StatusOr<Statistics> Stats(const std::string& group);

  const std::string& Server() const { return address_.ToString(); }

 private:
  // Says `request`, and `value` behind it if there is one; the first line of the answer.
  absl::StatusOr<std::string> Ask(const std::string& request,
                                  std::optional<std::string_view> value = std::nullopt);
  absl::Status Say(const std::string& request, std::optional<std::string_view> value);

  // The rest of an answer that began with `line`.
  absl::StatusOr<std::string> ReadValue(const std::string& line, const std::string& key);
  absl::StatusOr<Statistics> ReadStatistics(std::string line);

  // What a line means that is none of the answers to the question. Ends the connection.
  absl::Status Unexpected(const std::string& line);
  absl::Status TooLarge(size_t value_bytes, const std::string& line);

  const ServerAddress address_;
  const int64_t timeout_ns_;
  std::optional<Connection> connection_;
};

}  // namespace tombolo::control

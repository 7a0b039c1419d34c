// MetaFlags: what the flags of a meta command say (doc/protocol.txt of memcached, "Meta Commands"),
// and the answer's flags.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kvcache/protocol/tokens.h"

namespace tombolo::kvcache {

inline constexpr size_t kMaxMetaTokens = 19;   // With command and key.
inline constexpr size_t kMaxOpaqueBytes = 32;  // With its letter.

struct MetaFlags {
  std::string key;                         // Decoded.
  bool is_binary = false;                  // b
  std::optional<int64_t> vivify_exptime;   // N
  std::optional<int64_t> exptime;          // T
  std::optional<int64_t> recache_exptime;  // R
  bool wants_value = false;                // v
  bool is_peek = false;                    // u
  bool is_quiet = false;                   // q
  bool is_stale = false;                   // I
  uint32_t client_flags = 0;               // F
  std::optional<uint64_t> cas;             // C
  char mode = '\0';                        // M
  // Whether the access counts only after it was answered: one of N, T, R, h and l is asked for.
  bool counts_late = false;
  uint64_t initial = 0;  // J
  uint64_t delta = 1;    // D
};

// Reads the tokens from `first` on; the key is the one after the command. Null: all is well; else
// what to answer.
const char* ParseMetaFlags(const Tokens& tokens, size_t first, MetaFlags& flags);

// The flag k of an answer, with its b.
std::string KeyFlag(std::string_view key, bool is_binary);

}  // namespace tombolo::kvcache

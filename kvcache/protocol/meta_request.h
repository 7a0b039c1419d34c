// MetaRequest: a meta command as it is asked (doc/protocol.txt of memcached, "Meta Commands"): its
// key, and its flags in their order, each letter once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "kvcache/protocol/tokens.h"

namespace tombolo::kvcache {

inline constexpr size_t kMaxMetaTokens = 19;   // With command and key.
inline constexpr size_t kMaxOpaqueBytes = 32;  // With its letter.

struct MetaFlag {
  char letter = '\0';
  std::string_view token = {};  // With its letter.
  uint64_t number = 0;          // What follows the letter, where that is a number.
};

// What is looked at first, the number of tokens and the key: empty, or what to answer.
std::string_view CheckMetaTokens(const Tokens& tokens, std::string_view too_many);

class MetaRequest {
 public:
  // Takes the key from the token after the command, and the flags from token `first` on. Empty: all
  // is well; else what to answer, and nothing here is to be used. The line must outlive it.
  std::string_view Read(const Tokens& tokens, size_t first);

  const std::string& Key() const { return key_; }  // Decoded.
  std::span<const MetaFlag> Flags() const { return {flags_.data(), flag_count_}; }

  bool Has(char letter) const { return Find(letter) != nullptr; }
  bool HasOneOf(std::string_view letters) const;

  // Of C, D, F and J; nothing when there is no such flag.
  std::optional<uint64_t> Number(char letter) const;
  // Of N, R and T.
  std::optional<int64_t> Exptime(char letter) const;
  // For an item that is made: that of N or T, whichever comes last.
  int64_t LastExptime() const;
  // That of T for an item that is there, unless an opaque that is too long comes before it.
  std::optional<int64_t> ExptimeToApply() const;
  // M's; '\0' when there is none.
  char Mode() const;

  bool HasLongOpaque() const;
  // Whether both are there, in this order.
  bool ComesBefore(char first, char second) const;

 private:
  const MetaFlag* Find(char letter) const;
  bool ReadArgument(MetaFlag& flag);

  std::string key_;
  std::array<MetaFlag, kMaxTokens> flags_;
  size_t flag_count_ = 0;
};

}  // namespace tombolo::kvcache

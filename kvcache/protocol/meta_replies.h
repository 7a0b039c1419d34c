// Pieces of the meta commands' answers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kvcache/protocol/meta_request.h"
#include "kvcache/store/store_types.h"

namespace tombolo::kvcache {

inline constexpr std::string_view kTooManyFlags = "CLIENT_ERROR options flags too long";
inline constexpr std::string_view kBadFlag = "CLIENT_ERROR invalid or duplicate flag";
inline constexpr std::string_view kLongOpaque = "CLIENT_ERROR opaque token too long";

// Flags that are handed back whatever happened.
inline constexpr std::string_view kEchoedFlags = "Ok";

// What an answer tells of.
struct MetaSubject {
  std::string_view key = {};
  bool has_binary_key = false;
  StoredValue item = {};
  uint32_t now_s = 0;
};

// Appends what `flag` asks for, if it is one of `told`. False: its opaque is too long.
bool AppendFlag(const MetaFlag& flag, std::string_view told, const MetaSubject& subject,
                std::string& text);

// The same for the flags that are handed back.
bool AppendEchoes(const MetaRequest& request, std::string& text);

}  // namespace tombolo::kvcache

// Pieces of the meta commands' answers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kvcache/protocol/meta_flags.h"
#include "kvcache/protocol/tokens.h"

namespace tombolo::kvcache {

inline constexpr const char* kMetaBadFormat = "CLIENT_ERROR bad command line format";
inline constexpr const char* kMetaTooManyFlags = "CLIENT_ERROR options flags too long";
inline constexpr const char* kMetaBadFlag = "CLIENT_ERROR invalid or duplicate flag";

// Each gives null, or what to answer instead of all.
const char* AppendOpaque(std::string_view token, std::string& text);
// O and k, which are handed back whatever happened.
const char* AppendEchoes(const Tokens& tokens, size_t first, const MetaFlags& flags,
                         std::string& text);

std::string TtlFlag(uint32_t expiry_s, uint32_t now_s);

// Of an item that was made: N or T, whichever comes last.
int64_t LastExptime(const Tokens& tokens, const MetaFlags& flags);

}  // namespace tombolo::kvcache

#include "kvcache/protocol/meta_replies.h"

#include "absl/strings/str_cat.h"

namespace tombolo::kvcache {

const char* AppendOpaque(std::string_view token, std::string& text) {
  if (token.size() > kMaxOpaqueBytes) return "CLIENT_ERROR opaque token too long";
  text.append(" ").append(token);
  return nullptr;
}

const char* AppendEchoes(const Tokens& tokens, size_t first, const MetaFlags& flags,
                         std::string& text) {
  for (size_t i = first; i < tokens.Count(); ++i) {
    if (tokens[i][0] == 'k') text += KeyFlag(flags.key, flags.is_binary);
    if (tokens[i][0] != 'O') continue;
    if (const char* error = AppendOpaque(tokens[i], text)) return error;
  }
  return nullptr;
}

// SUBTLE: what has expired within the command counts down from 2^32, as it does in memcached.
std::string TtlFlag(uint32_t expiry_s, uint32_t now_s) {
  return expiry_s == 0 ? " t-1" : absl::StrCat(" t", expiry_s - now_s);
}

int64_t LastExptime(const Tokens& tokens, const MetaFlags& flags) {
  int64_t exptime = 0;
  for (size_t i = 2; i < tokens.Count(); ++i) {
    if (tokens[i][0] == 'N') exptime = *flags.vivify_exptime;
    if (tokens[i][0] == 'T') exptime = *flags.exptime;
  }
  return exptime;
}

}  // namespace tombolo::kvcache

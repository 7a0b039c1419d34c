// Base64 (RFC 4648, section 4) as memcached's meta commands use it for binary keys.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tombolo::kvcache {

std::string EncodeBase64(std::string_view bytes);

// Characters that are not of the alphabet are skipped. Nothing when what is left is empty, is no
// multiple of four, or is filled up by more than two.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace tombolo::kvcache

// Base64 (RFC 4648, section 4) as memcached's meta commands use it for binary keys.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tombolo::kvcache {

std::string EncodeBase64(std::string_view bytes);

// Characters that are not of the alphabet are skipped. Nothing when the others are none or no
// multiple of four. The first group of four that is filled up is the last one that is looked at;
// nothing, too, when more than two of it are only there to fill it up.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace tombolo::kvcache

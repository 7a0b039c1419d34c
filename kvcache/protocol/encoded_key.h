// A key in lines of which it is one word: those of `watch`, and of `lru_crawler metadump`.
#pragma once

#include <string>
#include <string_view>

namespace tombolo::kvcache {

// Every byte but letters, digits and -._~ is written as %XX, as memcached does: a key is one word.
inline std::string EncodedKey(std::string_view key) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string text;
  for (const char one : key) {
    if (kPlain.find(one) != std::string_view::npos) {
      text += one;
      continue;
    }
    const auto byte = static_cast<unsigned char>(one);
    text.append({'%', kDigits[byte / 16], kDigits[byte % 16]});
  }
  return text;
}

}  // namespace tombolo::kvcache

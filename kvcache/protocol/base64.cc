#include "kvcache/protocol/base64.h"

#include <algorithm>
#include <cstdint>

namespace tombolo::kvcache {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr char kFill = '=';
constexpr size_t kGroup = 4;
constexpr size_t kGroupBytes = 3;

// The bytes of up to four characters, as if there were four.
void AppendGroup(uint32_t bits, std::string& to) {
  for (int shift = 16; shift >= 0; shift -= 8) to.push_back(static_cast<char>(bits >> shift));
}

std::string OnlyAlphabet(std::string_view text) {
  std::string left;
  for (const char c : text) {
    if (c == kFill || kAlphabet.find(c) != std::string_view::npos) left.push_back(c);
  }
  return left;
}

}  // namespace

std::string EncodeBase64(std::string_view bytes) {
  std::string text;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kGroupBytes))) {
    uint32_t bits = 0;
    for (size_t i = 0; i < kGroupBytes; ++i) {
      bits = bits << 8 | (i < bytes.size() ? static_cast<uint8_t>(bytes[i]) : 0u);
    }
    for (size_t i = 0; i < kGroup; ++i) {
      const char c = kAlphabet[bits >> (18 - 6 * i) & 63];
      text.push_back(i <= bytes.size() ? c : kFill);
    }
  }
  return text;
}

std::optional<std::string> DecodeBase64(std::string_view text) {
  const std::string chars = OnlyAlphabet(text);
  if (chars.empty() || chars.size() % kGroup != 0) return std::nullopt;
  std::string bytes;
  for (size_t at = 0; at < chars.size(); at += kGroup) {
    uint32_t bits = 0;
    size_t fill = 0;
    for (const char c : std::string_view(chars).substr(at, kGroup)) {
      fill += c == kFill ? 1 : 0;
      bits = bits << 6 | (c == kFill ? 0u : static_cast<uint32_t>(kAlphabet.find(c)));
    }
    AppendGroup(bits, bytes);
    if (fill == 0) continue;
    if (fill > 2) return std::nullopt;
    bytes.resize(bytes.size() - fill);
    break;
  }
  return bytes;
}

}  // namespace tombolo::kvcache

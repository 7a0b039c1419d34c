#include "kvcache/protocol/base64.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"

namespace tombolo::kvcache {
namespace {

constexpr size_t kGroup = 4;  // Characters, for three bytes.
constexpr char kFill = '=';
constexpr char kZero = 'A';  // The character whose bits are all zero.

bool IsBase64(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '+' || c == '/' || c == kFill;
}

}  // namespace

std::string EncodeBase64(std::string_view bytes) {
  return absl::Base64Escape(absl::string_view(bytes.data(), bytes.size()));
}

std::optional<std::string> DecodeBase64(std::string_view text) {
  std::string chars;
  std::copy_if(text.begin(), text.end(), std::back_inserter(chars), IsBase64);
  if (chars.empty() || chars.size() % kGroup != 0) return std::nullopt;
  // The first group that is filled up is the last one.
  if (const size_t fill = chars.find(kFill); fill != std::string::npos) {
    chars.resize(fill / kGroup * kGroup + kGroup);
  }
  const auto fills = static_cast<size_t>(std::count(chars.begin(), chars.end(), kFill));
  if (fills > 2) return std::nullopt;
  std::replace(chars.begin(), chars.end(), kFill, kZero);
  std::string bytes;
  if (!absl::Base64Unescape(chars, &bytes)) return std::nullopt;
  bytes.resize(bytes.size() - fills);
  return bytes;
}

}  // namespace tombolo::kvcache

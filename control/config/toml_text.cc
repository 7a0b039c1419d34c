#include "control/config/toml_text.h"

#include "absl/strings/str_format.h"

namespace tombolo::control {
namespace {

constexpr size_t kMaxQuotedBytes = 100;
constexpr unsigned char kFirstPrintable = 0x20;
constexpr unsigned char kDelete = 0x7f;

bool IsContinuation(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

}  // namespace

std::string TomlString(std::string_view text) {
  std::string quoted = "\"";
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (character == '"' || character == '\\') {
      quoted += {'\\', character};
    } else if (byte < kFirstPrintable || byte == kDelete) {
      quoted += absl::StrFormat("\\u%04X", byte);
    } else {
      quoted += character;
    }
  }
  return quoted + "\"";
}

std::string QuotedForError(std::string_view text) {
  if (text.size() <= kMaxQuotedBytes) return TomlString(text);
  size_t end = kMaxQuotedBytes;
  while (end > 0 && IsContinuation(text[end])) --end;
  return TomlString(text.substr(0, end)) + "...";
}

}  // namespace tombolo::control

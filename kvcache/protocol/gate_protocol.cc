#include "kvcache/protocol/gate_protocol.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "kvcache/protocol/credentials.h"
#include "kvcache/protocol/tokens.h"
#include "kvcache/store/numbers.h"

namespace tombolo::kvcache {
namespace {

constexpr size_t kMaxGateLineBytes = 2048;
constexpr std::string_view kValueEnd = "\r\n";
constexpr size_t kSetTokens = 5;  // At least.

}  // namespace

size_t GateProtocol::Take(std::string_view input) {
  return left_bytes_ == 0 ? TakeLine(input) : TakeWords(input);
}

size_t GateProtocol::TakeLine(std::string_view input) {
  const size_t newline = input.find('\n');
  const std::string_view part = input.substr(0, newline);
  if (bytes_.size() + part.size() > kMaxGateLineBytes) {
    replies_.Close();
    return part.size();
  }
  bytes_.append(part);
  if (newline == std::string_view::npos) return part.size();
  const std::string line = std::exchange(bytes_, {});
  RunLine(line);
  return newline + 1;
}

void GateProtocol::RunLine(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  const Tokens tokens(line);
  const bool is_set = tokens.Count() >= kSetTokens && tokens[0] == "set";
  const std::optional<uint32_t> bytes = is_set ? Unsigned32In(tokens[4]) : std::nullopt;
  if (!bytes) return replies_.AppendLine("CLIENT_ERROR unauthenticated");
  // Nobody's password is that long.
  if (*bytes > kMaxGateLineBytes) return replies_.Close();
  left_bytes_ = *bytes + kValueEnd.size();
}

size_t GateProtocol::TakeWords(std::string_view input) {
  const std::string_view part = input.substr(0, left_bytes_);
  bytes_.append(part);
  left_bytes_ -= part.size();
  if (left_bytes_ != 0) return part.size();
  std::string words = std::exchange(bytes_, {});
  ++server_.counters.auth_cmds;
  if (words.ends_with(kValueEnd)) words.resize(words.size() - kValueEnd.size());
  is_open_ = server_.credentials->Admit(words);
  if (!is_open_) ++server_.counters.auth_errors;
  replies_.AppendLine(is_open_ ? "STORED" : "CLIENT_ERROR authentication failure");
  return part.size();
}

}  // namespace tombolo::kvcache

#include "kvcache/protocol/gate_protocol.h"

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
  return left_bytes_ == 0 ? TakeLine(input) : TakeValue(input);
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

size_t GateProtocol::TakeValue(std::string_view input) {
  const std::string_view part = input.substr(0, left_bytes_);
  bytes_.append(part);
  left_bytes_ -= part.size();
  if (left_bytes_ == 0) replies_.AppendLine(Judge(std::exchange(bytes_, {})));
  return part.size();
}

// The answer. What does not look like a password is not counted, and words after the second are
// not looked at, as memcached has it.
std::string_view GateProtocol::Judge(std::string_view value) {
  if (!value.ends_with(kValueEnd)) return "CLIENT_ERROR bad command line termination";
  value.remove_suffix(kValueEnd.size());
  const Tokens words(value);
  if (words.Count() < 2) return "CLIENT_ERROR bad authentication token format";
  ++server_.counters.auth_cmds;
  is_open_ = server_.credentials->Admit(words[0], words[1]);
  if (is_open_) return "STORED";
  ++server_.counters.auth_errors;
  return "CLIENT_ERROR authentication failure";
}

}  // namespace tombolo::kvcache

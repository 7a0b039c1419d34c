#include "kvcache/protocol/session.h"

#include <utility>

#include "kvcache/protocol/binary_header.h"
#include "kvcache/protocol/binary_protocol.h"
#include "kvcache/protocol/gate_protocol.h"
#include "kvcache/protocol/text_protocol.h"

namespace tombolo::kvcache {

Session::Session(Server& server, size_t reply_limit_bytes)
    : server_(server), replies_(reply_limit_bytes) {}

size_t Session::Feed(std::span<const std::byte> input, size_t most_commands) {
  std::string_view left(reinterpret_cast<const char*>(input.data()), input.size());
  if (protocol_ == nullptr && !left.empty()) Begin(left.front());
  for (size_t taken = 0; taken < most_commands && !left.empty() && !replies_.IsClosed(); ++taken) {
    if (!protocol_->Continue() || replies_.IsFull()) break;
    Take(left);
  }
  if (replies_.IsClosed()) left = {};
  // An answer that is long begins at once, not with the next input.
  if (protocol_ != nullptr && !replies_.IsClosed()) protocol_->Continue();
  const size_t taken = input.size() - left.size();
  server_.counters.bytes_read += taken;
  return taken;
}

void Session::Drained(size_t size) {
  replies_.Drained(size);
  server_.counters.bytes_written += size;
  if (protocol_ != nullptr && !replies_.IsClosed()) protocol_->Continue();
}

// Runs a command at most.
void Session::Take(std::string_view& input) {
  input.remove_prefix(protocol_->Take(input));
  if (gate_ == nullptr || !gate_->IsOpen()) return;
  gate_ = nullptr;
  protocol_ = std::make_unique<TextProtocol>(server_, replies_);
}

void Session::Begin(char first) {
  if (server_.credentials != nullptr) {
    auto gate = std::make_unique<GateProtocol>(server_, replies_);
    gate_ = gate.get();
    protocol_ = std::move(gate);
  } else if (static_cast<uint8_t>(first) == kBinaryRequest) {
    protocol_ = std::make_unique<BinaryProtocol>(server_, replies_);
  } else {
    protocol_ = std::make_unique<TextProtocol>(server_, replies_);
  }
}

}  // namespace tombolo::kvcache

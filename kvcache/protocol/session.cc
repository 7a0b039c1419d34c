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
  // A command that is long goes on at once, not with the next input.
  for (size_t taken = 0; Continue() && taken < most_commands && !left.empty(); ++taken) {
    if (replies_.IsFull() || replies_.IsClosed()) break;
    Take(left);
  }
  if (replies_.IsClosed()) left = {};
  const size_t taken = input.size() - left.size();
  server_.counters.bytes_read += taken;
  return taken;
}

void Session::Drained(size_t size) {
  replies_.Drained(size);
  server_.counters.bytes_written += size;
  Continue();
}

// Whether the next command may be run.
bool Session::Continue() {
  has_more_ = protocol_ != nullptr && !replies_.IsClosed() && !protocol_->Continue();
  return !has_more_;
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

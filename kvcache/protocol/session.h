// Session: memcached's protocols for one connection (conversation.h says how it is used). It keeps
// at most one command: a line of 2,048 bytes (kMaxMultiGetBytes for get and gets) or an item. A
// long answer stops between two items when there is too much to be sent.
//
// When the server has credentials, the client says first who it is (gate_protocol.h).
//
// The client is not trusted. Not thread-safe; `server` must outlive it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "kvcache/protocol/conversation.h"
#include "kvcache/protocol/protocol.h"
#include "kvcache/protocol/replies.h"
#include "kvcache/protocol/server.h"

namespace tombolo::kvcache {

class GateProtocol;

class Session final : public Conversation {
 public:
  explicit Session(Server& server, size_t reply_limit_bytes = kReplyLimitBytes);

  size_t Feed(std::span<const std::byte> input, size_t most_commands) override;
  size_t Feed(std::span<const std::byte> input) { return Feed(input, SIZE_MAX); }
  std::string_view Unsent() const override { return replies_.Unsent(); }
  void Drained(size_t size) override;
  bool HasMore() const override { return has_more_; }
  bool IsClosed() const override { return replies_.IsClosed(); }
  bool IsWatching() const override { return protocol_ != nullptr && protocol_->IsWatching(); }
  bool TakeNews() override { return protocol_ != nullptr && protocol_->TakeNews(); }

 private:
  void Begin(char first);
  void Take(std::string_view& input);
  bool Continue();

  Server& server_;
  Replies replies_;
  std::unique_ptr<Protocol> protocol_;  // None before the first byte.
  GateProtocol* gate_ = nullptr;        // What protocol_ is, until the client is known.
  bool has_more_ = false;
};

}  // namespace tombolo::kvcache

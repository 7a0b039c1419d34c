// Session: memcached's protocols for one connection, without the connection: it is fed what the
// client sent and has the bytes of the answers.
//
//   while (reading)     taken = session.Feed(input);      what was not taken is fed again later
//   while (writable)    n = send(session.Unsent()); session.Drained(n);
//   session.HasMore()   Feed() again after a while, with nothing too
//   session.IsClosed()  close once Unsent() is empty
//
// Input may be split anywhere; the answers are the same. It keeps at most one command: a line of
// 2,048 bytes (kMaxMultiGetBytes for get and gets) or an item. Back-pressure: with more than
// `reply_limit_bytes` to be sent it takes nothing more, and a long answer stops between two items.
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

#include "kvcache/protocol/protocol.h"
#include "kvcache/protocol/replies.h"
#include "kvcache/protocol/server.h"

namespace tombolo::kvcache {

inline constexpr size_t kReplyLimitBytes = 256 * 1024;

class GateProtocol;

class Session {
 public:
  explicit Session(Server& server, size_t reply_limit_bytes = kReplyLimitBytes);

  // Gives how many bytes were taken. Once it is closed it takes everything and does nothing. At
  // most `most_commands` are run, so that others have their turn; what is left of the input is then
  // to be fed without waiting for more.
  size_t Feed(std::span<const std::byte> input, size_t most_commands = SIZE_MAX);

  std::string_view Unsent() const { return replies_.Unsent(); }

  // The first `size` bytes of Unsent() were sent.
  void Drained(size_t size);

  // Whether a command is not done yet and goes on without more input: when it is fed, as long as
  // there is not too much in Unsent().
  bool HasMore() const { return has_more_; }

  bool IsClosed() const { return replies_.IsClosed(); }

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

// Conversation: the server's side of a protocol on one connection, without the connection: it is
// fed what the client sent and has the bytes of the answers.
//
//   while (reading)     taken = conversation.Feed(input, most);   what was not taken is fed again
//   while (writable)    n = send(conversation.Unsent()); conversation.Drained(n);
//   conversation.HasMore()   Feed() again after a while, with nothing too
//   conversation.IsClosed()  close once Unsent() is empty
//
// Input may be split anywhere; the answers are the same. It keeps one command at most, as far as it
// has arrived. Back-pressure: with more than its limit of replies to be sent it takes nothing more.
//
// The client is not trusted. Not thread-safe.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace tombolo::kvcache {

inline constexpr size_t kReplyLimitBytes = 256 * 1024;

class Conversation {
 public:
  virtual ~Conversation() = default;

  // Gives how many bytes were taken. Once it is closed it takes everything and does nothing. At
  // most `most_commands` are run, so that others have their turn; what is left of the input is then
  // to be fed without waiting for more.
  virtual size_t Feed(std::span<const std::byte> input, size_t most_commands) = 0;

  virtual std::string_view Unsent() const = 0;

  // The first `size` bytes of Unsent() were sent.
  virtual void Drained(size_t size) = 0;

  // Whether a command is not done yet and goes on without more input: when it is fed, as long as
  // there is not too much in Unsent().
  virtual bool HasMore() const = 0;

  virtual bool IsClosed() const = 0;

  // What of the client's made it close, for the log; empty when there is nothing to tell.
  virtual std::string_view WhyClosed() const { return {}; }

  // Whether the client asks for nothing any more and is told what happens here: see TakeNews().
  virtual bool IsWatching() const { return false; }

  // For a client that watches: once everything was sent, Unsent() has what has happened since.
  // False: nothing has; as soon as something does, the ring of the server is rung.
  virtual bool TakeNews() { return false; }
};

}  // namespace tombolo::kvcache

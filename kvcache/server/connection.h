// Connection: a client's socket and its Conversation.
//
//   readable -> read -> Feed() -> send             one turn: so many commands, so many bytes
//   what was not fed stays here, nothing more is read, and a turn of its own follows; so does one
//   after a command that is not done (Conversation::HasMore)
//   what was not sent waits for the socket; with too much of it nothing is fed (Conversation)
//
// So a client that does not read stops being read; it holds what is read at once, one command, and
// the replies that its conversation allows. A client that has sent its end is served what it asked
// for before, and then closed. Of a reader elsewhere that has closed altogether nothing more is
// run.
//
// The client is not trusted. Belongs to the thread of its worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>

#include "kvcache/protocol/conversation.h"
#include "kvcache/server/dialect.h"
#include "kvcache/server/event.h"
#include "transport/base/unique_fd.h"

namespace tombolo::kvcache {

class Worker;

class Connection {
 public:
  using List = std::list<std::unique_ptr<Connection>>;

  // `socket` does not block. `worker` and its base must outlive it.
  Connection(Worker& worker, UniqueFd socket, Dialect dialect,
             std::unique_ptr<Conversation> conversation);

  // Begins to wait for the client; false: that cannot be done now. `self`: where it is listed.
  bool Start(List::iterator self);

  // The rest of what it had in its last turn. It may be gone afterwards.
  void Resume();

  List::iterator Self() const { return self_; }
  kvcache::Dialect Dialect() const { return dialect_; }
  bool IsWaitingForTurn() const { return is_waiting_for_turn_; }

  // When bytes last moved; used by its worker.
  int64_t active_at_ns = 0;

 private:
  static void OnReadable(evutil_socket_t fd, int16_t what, void* self);
  static void OnWritable(evutil_socket_t fd, int16_t what, void* self);

  void Turn(bool is_readable);
  bool Serve(bool is_readable);
  bool Receive(std::span<const std::byte>& input);
  bool HasHungUp() const;
  void Feed(std::span<const std::byte> input, bool is_kept);
  bool Send();
  bool HasWork() const { return !kept_.empty() || conversation_->HasMore(); }
  bool IsDone() const;
  void Await();

  Worker& worker_;
  UniqueFd socket_;
  const kvcache::Dialect dialect_;
  std::unique_ptr<Conversation> conversation_;
  Event readable_;
  Event writable_;
  List::iterator self_;
  std::string kept_;  // What was read and not fed yet, from kept_from_ on.
  size_t kept_from_ = 0;
  bool is_reading_ = false;
  bool is_writing_ = false;
  bool is_at_end_ = false;  // The client sends nothing more.
  bool is_waiting_for_turn_ = false;
  bool is_told_ = false;  // Why the conversation is closed.
};

}  // namespace tombolo::kvcache

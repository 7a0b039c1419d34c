// Connection: a client's socket and its Conversation.
//
//   readable -> read -> Feed()                     one turn: so many commands, so many bytes
//            -> SendReplies()                      once others have had their turns too
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
#include "kvcache/server/connection_list.h"
#include "kvcache/server/dialect.h"
#include "kvcache/server/socket_name.h"
#include "transport/base/unique_fd.h"

namespace tombolo::kvcache {

class Worker;

class Connection {
 public:
  using List = std::list<std::unique_ptr<Connection>>;

  // `socket` does not block. `worker` and `list` must outlive it.
  Connection(Worker& worker, ConnectionList& list, UniqueFd socket, Dialect dialect,
             std::unique_ptr<Conversation> conversation);

  // Begins to wait for the client; false: that cannot be done now. `self`: where it is listed.
  bool Start(List::iterator self);

  // After each of these it may be gone.
  void OnEvents(uint32_t events);  // Of epoll.
  void Resume();                   // The rest of what it had in its last turn.
  void SendReplies();              // Of its last turn.
  void TellNews();                 // To a client that watches.

  List::iterator Self() const { return self_; }
  kvcache::Dialect Dialect() const { return dialect_; }
  bool IsWaitingForTurn() const { return is_waiting_for_turn_; }
  bool HasRepliesToSend() const { return has_replies_to_send_; }
  bool IsWatching() const { return is_watching_; }
  int Socket() const { return socket_.Get(); }
  const SocketName& Peer() const { return entry_.Peer(); }

  // Whether it has read or begun what is not run yet.
  bool HasWork() const { return !kept_.empty() || conversation_->HasMore(); }

  // When bytes last moved; used by its worker.
  int64_t active_at_ns = 0;

 private:
  void Turn();
  bool Serve();
  bool MayReceive() const;
  bool Receive(std::span<const std::byte>& input);
  bool HasHungUp() const;
  void BeginWatching();
  void Feed(std::span<const std::byte> input, bool is_kept);
  bool Send();
  bool IsFull() const { return conversation_->Unsent().size() > kReplyLimitBytes; }
  bool IsDone() const;
  bool CanGoOn() const;
  bool AwaitRoom();
  void Settle();

  Worker& worker_;
  UniqueFd socket_;
  ConnectionList::Entry entry_;
  const kvcache::Dialect dialect_;
  std::unique_ptr<Conversation> conversation_;
  List::iterator self_;
  std::string kept_;  // What was read and not fed yet, from kept_from_ on.
  size_t kept_from_ = 0;
  // As far as is known: events tell of changes (Epoll).
  bool is_readable_ = false;
  bool is_ending_ = false;         // Readable until its end, or error, was read.
  bool is_blocked_ = false;        // The socket takes no more bytes.
  bool is_awaiting_room_ = false;  // Is told when that changes.
  bool is_at_end_ = false;         // The client sends nothing more.
  bool is_waiting_for_turn_ = false;
  bool has_replies_to_send_ = false;  // Its worker will call SendReplies().
  bool is_watching_ = false;          // Nothing more is run for it: Conversation.
  bool is_told_ = false;              // Why the conversation is closed.
};

}  // namespace tombolo::kvcache

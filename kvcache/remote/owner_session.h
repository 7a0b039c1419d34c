// OwnerSession: the owner's side of one connection on which readers elsewhere ask for what they
// cannot do themselves (owner_wire.h).
//
//   hello -> reply              the first request; then, in any order and without waiting:
//   request -> reply            as often as the reader likes
//   anything malformed -> end   WhyClosed() says what it was
//
// It keeps at most one request, as far as it has arrived, and one reply over its limit. An item
// that is too large is skipped, and answered by kTooLarge.
//
// The reader is not trusted: it may change, read and flush everything in the cache, as clients of
// memcached's protocols may, and nothing else. Not thread-safe; `server` must outlive it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "kvcache/protocol/conversation.h"
#include "kvcache/protocol/replies.h"
#include "kvcache/protocol/server.h"
#include "kvcache/remote/owner_request.h"
#include "kvcache/remote/owner_wire.h"

namespace tombolo::kvcache {

// What is sent to a reader for whom there is no room.
std::string OwnerRefusal(std::string_view why);

class OwnerSession final : public Conversation {
 public:
  explicit OwnerSession(Server& server, size_t reply_limit_bytes = kReplyLimitBytes)
      : server_(server), replies_(reply_limit_bytes) {}

  size_t Feed(std::span<const std::byte> input, size_t most_commands) override;
  std::string_view Unsent() const override { return replies_.Unsent(); }
  void Drained(size_t size) override;
  bool HasMore() const override { return false; }
  bool IsClosed() const override { return replies_.IsClosed(); }
  std::string_view WhyClosed() const override { return why_closed_; }

 private:
  void Take(std::string_view& input);
  bool TakeWhole(std::string_view& input);
  void TakeHeader(std::string_view bytes);
  void Run(std::string_view body);
  void RunHello(const OwnerRequest& request);
  void RunVisit(const OwnerRequest& request);
  void RunPut(const OwnerRequest& request);
  void RunFlush(const OwnerRequest& request);
  void RunFacts();
  void RunTouched(const OwnerRequest& request);
  void Refuse(std::string_view why);
  void Close(std::string why);
  void Reply(OwnerReplyHeader header, std::string_view value = {});

  Server& server_;
  Replies replies_;
  std::string bytes_;  // Of the header, then of key and value, what there is.
  OwnerRequestHeader header_ = {};
  bool has_header_ = false;
  uint64_t skip_bytes_ = 0;  // Of a value that is too large: what has not come yet.
  bool is_too_large_ = false;
  bool is_greeted_ = false;
  StoredValue seen_;
  std::string why_closed_;
};

}  // namespace tombolo::kvcache

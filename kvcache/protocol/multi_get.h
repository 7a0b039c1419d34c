// MultiGet: get, gets, gat and gats: any number of keys, whose items are sent one after the other
// as there is room for replies.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kvcache/protocol/replies.h"
#include "kvcache/protocol/server.h"

namespace tombolo::kvcache {

class MultiGet {
 public:
  MultiGet(Server& server, Replies& replies) : server_(server), replies_(replies) {}

  // `keys`: the line after the command, and after the expiry if there is one. A key that is too
  // long makes the whole answer an error, though the keys before it were asked for.
  void Begin(std::string_view keys, bool with_cas, std::optional<int64_t> exptime);

  // Sends until it is done or the replies are full. Whether it is done.
  bool Continue();

 private:
  void Refuse(std::string_view good_keys);
  bool Find(std::string_view key, StoredValue& item);
  void Send(std::string_view key, const StoredValue& item);

  Server& server_;
  Replies& replies_;
  bool is_pending_ = false;
  std::string keys_;
  size_t next_ = 0;
  bool with_cas_ = false;
  std::optional<int64_t> exptime_;
};

}  // namespace tombolo::kvcache

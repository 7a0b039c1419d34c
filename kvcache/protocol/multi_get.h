// MultiGet: get, gets, gat and gats: any number of keys, whose items are sent one after the other
// as there is room for replies. It stops in between, so that a client that asks for very many keys
// leaves turns for others, whether they are there or not.
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

  // `keys`: the line after the command, and after the expiry if there is one; not used after the
  // call. A key that is too long makes the whole answer an error, though the keys before it were
  // asked for.
  void Begin(std::string_view keys, bool with_cas, std::optional<int64_t> exptime);

  // Goes on until it is done, the replies are full or it has asked for kMaxKeysAtOnce keys. Whether
  // it is done.
  bool Continue();

 private:
  static constexpr int kMaxKeysAtOnce = 256;
  // Their memory is sent for together.
  static constexpr int kExpectedKeys = 16;

  void Expect(std::string_view key);
  void End(std::string_view last_line);
  void AskFor(std::string_view key);
  void Use(std::string_view key);
  void Send(std::string_view key);
  bool Touch(std::string_view key, ValueTarget& target);

  Server& server_;
  Replies& replies_;
  bool is_pending_ = false;
  bool is_refused_ = false;  // A key is too long: those before it are asked for without an answer.
  std::string_view left_;    // Of the keys: in what Begin() was given, and after it in kept_.
  std::string kept_;
  bool with_cas_ = false;
  std::optional<int64_t> exptime_;
};

}  // namespace tombolo::kvcache

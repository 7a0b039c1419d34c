// Dump: lru_crawler metadump: what is known of every item but its value, a line each, as there is
// room for replies. It stops in between, as MultiGet does, so that others have their turns. What is
// stored or evicted meanwhile is met or not.
#pragma once

#include <string>

#include "kvcache/protocol/backend.h"
#include "kvcache/protocol/replies.h"
#include "kvcache/protocol/server.h"

namespace tombolo::kvcache {

class Dump {
 public:
  Dump(Server& server, Replies& replies) : server_(server), replies_(replies) {}

  void Begin() {
    place_ = {};
    is_pending_ = true;
    Continue();
  }

  // Whether it is done.
  bool Continue();

 private:
  void AppendLine();

  Server& server_;
  Replies& replies_;
  bool is_pending_ = false;
  WalkPlace place_;
  std::string key_;
  StoredValue item_;
};

}  // namespace tombolo::kvcache

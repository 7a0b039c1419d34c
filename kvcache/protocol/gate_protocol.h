// GateProtocol: what a session speaks until its client has said who it is: memcached's ASCII
// authentication. The client sends a set, of whatever key, whose value is "USER PASSWORD"; anything
// else is an error, and so is the binary protocol.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "kvcache/protocol/protocol.h"
#include "kvcache/protocol/replies.h"
#include "kvcache/protocol/server.h"

namespace tombolo::kvcache {

class GateProtocol final : public Protocol {
 public:
  // `server` has credentials.
  GateProtocol(Server& server, Replies& replies) : server_(server), replies_(replies) {}

  size_t Take(std::string_view input) override;

  // Whether the client is known: another protocol goes on from here.
  bool IsOpen() const { return is_open_; }

 private:
  size_t TakeLine(std::string_view input);
  size_t TakeValue(std::string_view input);
  void RunLine(std::string_view line);
  std::string_view Judge(std::string_view value);

  Server& server_;
  Replies& replies_;
  std::string bytes_;      // Of the line or the value, what there is.
  size_t left_bytes_ = 0;  // Of the value with its end; 0: a line is expected.
  bool is_open_ = false;
};

}  // namespace tombolo::kvcache

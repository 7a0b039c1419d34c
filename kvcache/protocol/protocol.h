// Protocol: one of the two languages of a connection. A Session picks it by the first byte.
#pragma once

#include <cstddef>
#include <string_view>

namespace tombolo::kvcache {

class Protocol {
 public:
  virtual ~Protocol() = default;

  // Takes some of `input`, which is not empty; gives how many bytes. At most one command is run.
  virtual size_t Take(std::string_view input) = 0;

  // Goes on with a command whose work or reply is long, for a while at most and until the replies
  // are full. Whether it is done.
  virtual bool Continue() { return true; }

  // What Conversation has of that name.
  virtual bool IsWatching() const { return false; }
  virtual bool TakeNews() { return false; }
};

}  // namespace tombolo::kvcache

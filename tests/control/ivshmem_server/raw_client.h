// RawClient: the client's side of the ivshmem protocol, byte by byte, for tests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "transport/base/unique_fd.h"

namespace tombolo::control {

struct RawMessage {
  int64_t value;
  UniqueFd fd;
};

class RawClient {
 public:
  // Connects to the Unix socket at `path`.
  explicit RawClient(const std::string& path);

  // Reads what is there now, eight bytes at a time as QEMU does, and keeps it in Messages().
  void Read();

  const std::vector<RawMessage>& Messages() const { return messages_; }

  // The second message, or -1 when it has not come.
  int64_t Slot() const { return messages_.size() < 2 ? -1 : messages_[1].value; }

  // Whether Read() has come to the end of the stream.
  bool SawEnd() const { return saw_end_; }

  void SendByte();
  void Close() { socket_.Reset(); }

 private:
  UniqueFd socket_;
  std::vector<RawMessage> messages_;
  bool saw_end_ = false;
};

}  // namespace tombolo::control

// PendingPut: a command that stores, while its value arrives.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kvcache/protocol/give_back.h"
#include "kvcache/protocol/server.h"
#include "kvcache/store/store_types.h"

namespace tombolo::kvcache {

struct PendingPut {
  PutMode mode = PutMode::kSet;
  std::string key = {};
  std::string value = {};  // With what follows it: see the protocol.
  uint64_t left_bytes = 0;
  uint32_t flags = 0;
  int64_t exptime = 0;
  uint64_t cas = 0;
  bool takes_older = false;
  uint16_t marks = 0;
  bool is_quiet = false;
  // Meta protocol: the flags that the reply is to have, in their order.
  bool is_meta = false;
  std::vector<std::string> reply_flags = {};

  // Takes what it needs of `input`, and gives how many bytes that was.
  size_t Take(std::string_view input) {
    const std::string_view part = input.substr(0, left_bytes);
    value.append(part);
    left_bytes -= part.size();
    return part.size();
  }

  // Begins anew; a large value does not keep its memory.
  void Clear() {
    GiveBack(value);
    *this = PendingPut();
  }
};

// How long a value is said to be in the text protocol; nothing when it is no such length.
std::optional<uint64_t> ValueBytesIn(std::string_view token);

// Whether there may be an item of that size. If not, that is counted, and nobody may go on reading
// what a set, or whatever the meta command is, was to replace.
bool Admit(const PendingPut& put, uint64_t value_bytes, Server& server);

// Stores it with its first `value_bytes`, and counts.
StoreAnswer RunPut(const PendingPut& put, size_t value_bytes, Server& server);

}  // namespace tombolo::kvcache

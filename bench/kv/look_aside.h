// LookAside: a client of one memcached that uses it as caches are used: it asks for keys, and
// stores those that were missing. One connection of the text protocol.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/kv/key_stream.h"
#include "transport/base/unique_fd.h"

namespace tombolo::bench {

class LookAside {
 public:
  // `path`: of a Unix socket.
  LookAside(std::string name, const std::string& path);

  // Asks for all of them at once, then stores the missing ones. Gives how many were missing.
  size_t Use(std::span<const uint64_t> keys, const KeyStream& stream);

  const std::string& Name() const { return name_; }

 private:
  void Send(std::string_view bytes);
  // Until the end of the answer to a get; gives the keys that it has.
  std::vector<uint64_t> Receive();

  const std::string name_;
  UniqueFd socket_;
  std::string received_;
};

}  // namespace tombolo::bench

// Dialect: what is spoken on the connections of a listening socket.
#pragma once

#include <cstddef>

namespace tombolo::kvcache {

enum class Dialect {
  kMemcached,  // memcached's protocols: kvcache/protocol.
  kOwner,      // What readers elsewhere ask the owner: kvcache/remote.
};

inline constexpr size_t kDialects = 2;

}  // namespace tombolo::kvcache

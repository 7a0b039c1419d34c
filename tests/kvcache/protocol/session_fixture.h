// A store, a clock that the test moves, and sessions over them.
#pragma once

#include <malloc.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "kvcache/protocol/server.h"
#include "kvcache/protocol/session.h"
#include "kvcache/protocol/store_backend.h"
#include "kvcache/store/store.h"
#include "tests/kvcache/shard_memory.h"
#include "transport/base/units.h"

namespace tombolo::kvcache {

inline constexpr uint32_t kSessionStartS = 1'700'000'000;

// Sixteen segments of 64 KiB; no item is larger than 8 KiB.
inline StoreOptions SessionShard() {
  return {.limits = {.shard_bytes = 1200 * kKiB,
                     .expected_item_bytes = 100,
                     .segment_bytes = 64 * kKiB,
                     .item_max_bytes = 8 * kKiB},
          .hash_seed = 17};
}

// What a server is made of.
struct SessionWorld {
  explicit SessionWorld(const StoreOptions& options = SessionShard())
      : memory(options.limits.shard_bytes),
        store(*Store::Open(memory.Bytes(), options, [this] { return now_s; })),
        backend(*store),
        server(backend) {}

  uint32_t now_s = kSessionStartS;
  ShardMemory memory;
  std::unique_ptr<Store> store;
  StoreBackend backend;
  Server server;
};

inline std::span<const std::byte> BytesOf(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// Everything that a session answers to `input`, fed `step` bytes at a time.
inline std::string Talk(Session& session, std::string_view input, size_t step) {
  std::string answers;
  // A long answer goes on as it is sent, a long command as it is fed.
  while (!input.empty() || session.HasMore() || !session.Unsent().empty()) {
    const size_t taken = session.Feed(BytesOf(input.substr(0, step)));
    input.remove_prefix(taken);
    const std::string_view unsent = session.Unsent();
    if (taken == 0 && unsent.empty() && !session.HasMore()) return answers + "(stuck)";
    answers += unsent;
    session.Drained(unsent.size());
  }
  return answers;
}

// By malloc, as the C library counts; 0 where a sanitizer counts instead.
inline size_t AllocatedBytes() {
  const auto counted = mallinfo2();
  return counted.uordblks + counted.hblkhd;
}

class SessionTest : public testing::Test {
 protected:
  std::string Ask(std::string_view input) { return Talk(session_, input, input.size()); }

  SessionWorld world_;
  Session session_{world_.server};
};

}  // namespace tombolo::kvcache

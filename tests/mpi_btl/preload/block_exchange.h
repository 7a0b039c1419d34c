// What several threads do with blocks at the same time: allocate, resize and check them, and free
// those of each other.
#pragma once

#include <stdlib.h>

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <random>
#include <utility>

#include "tests/mpi_btl/preload/preload_fixture.h"

namespace tombolo {

struct Block {
  void* memory = nullptr;
  size_t bytes = 0;
};

// Blocks of all threads: each frees what another one has allocated, too.
class BlockExchange {
 public:
  // Gives one for it that may be another thread's; at first none.
  Block Swap(Block block) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return std::exchange(block_, block);
  }

 private:
  std::mutex mutex_;
  Block block_;
};

// One block through all that may happen to it; how often something was wrong.
inline int UseOne(std::mt19937& random, BlockExchange& exchange) {
  std::uniform_int_distribution<size_t> sizes(1, 3 * kMinBytes);
  Block block = {nullptr, sizes(random)};
  block.memory = random() % 2 == 0 ? malloc(block.bytes) : calloc(block.bytes, 1);
  Fill(block.memory, block.bytes);
  const size_t bytes = sizes(random);
  block.memory = realloc(block.memory, bytes);
  int bad = IsFilled(block.memory, std::min(bytes, block.bytes)) ? 0 : 1;
  block.bytes = bytes;
  Fill(block.memory, bytes);
  const Block other = exchange.Swap(block);
  if (!IsFilled(other.memory, other.bytes)) ++bad;
  free(other.memory);
  return bad;
}

}  // namespace tombolo

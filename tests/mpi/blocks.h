// Blocks: what each rank contributes to a collective, or is given by it, in one buffer with gaps
// between them, so that a byte too many is noticed.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/mpi/message.h"

namespace tombolo::mpi_check {

// Blocks of bytes, one per rank, at offsets with a gap between them.
class Blocks {
 public:
  explicit Blocks(std::vector<size_t> bytes) : bytes_(std::move(bytes)) {
    for (const size_t block : bytes_) {
      counts_.push_back(static_cast<int>(block));
      displacements_.push_back(static_cast<int>(memory_.size()));
      memory_.resize(memory_.size() + block + kGapBytes, kGuard);
    }
  }

  std::byte* data() { return memory_.data(); }
  const int* counts() const { return counts_.data(); }
  const int* displacements() const { return displacements_.data(); }
  size_t bytes(int block) const { return bytes_[static_cast<size_t>(block)]; }

  std::span<std::byte> operator[](int block) {
    return std::span(memory_).subspan(
        static_cast<size_t>(displacements_[static_cast<size_t>(block)]), bytes(block));
  }
  std::span<const std::byte> GapBehind(int block) {
    return std::span(memory_).subspan(
        static_cast<size_t>(displacements_[static_cast<size_t>(block)]) + bytes(block), kGapBytes);
  }

 private:
  static constexpr size_t kGapBytes = 5;

  std::vector<size_t> bytes_;
  std::vector<int> counts_;
  std::vector<int> displacements_;
  std::vector<std::byte> memory_;
};

// Checks that block s holds what rank s sent under `tag`.
inline void CheckFromEach(World& world, std::string_view what, Blocks& blocks, int tag) {
  for (int source = 0; source < world.size; ++source) {
    world.checks.Payload(what, {source, tag, blocks.bytes(source)}, blocks[source]);
    world.checks.Untouched(what, blocks.GapBehind(source), kGuard);
  }
}

}  // namespace tombolo::mpi_check

// Staging: private memory in which messages are written and read where lanes are Device memory, as
// by vfio on arm64. Open MPI packs and unpacks where it is told to, with memcpy, and there the
// processor raises SIGBUS at that: only our own copies (transport/region/region_copy.h) may touch
// the lane. It costs a second copy, and allocates while there are more messages at a time than
// there ever were.
//
// Not thread-safe, but for this: what Take() gave stays where it is until Fill() or Drop().
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace tombolo::mpi {

class Staging {
 public:
  // As many bytes as `payload` has, aligned to 8, to be written in its place.
  std::byte* Take(std::span<const std::byte> payload);

  // Copies the first `bytes` of what was taken in the place of `payload` there, and has it back.
  void Fill(std::span<std::byte> payload, size_t bytes);

  // Has it back.
  void Drop(std::span<const std::byte> payload);

  // A copy of `payload`, which lies in Device memory: good until the next call.
  std::span<const std::byte> Read(std::span<const std::byte> payload);

 private:
  struct Buffer {
    const std::byte* payload = nullptr;  // In whose place it was taken.
    std::vector<std::byte> memory;
  };

  Buffer& Of(const std::byte* payload);

  std::vector<Buffer> buffers_;
  std::vector<std::byte> read_;
};

}  // namespace tombolo::mpi

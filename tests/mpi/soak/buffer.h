// Buffer: memory of one message with guard bytes around it and, if it has gaps, between its parts,
// so that a byte too many is noticed.
#pragma once

#include <mpi.h>

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "tests/mpi/checks.h"
#include "tests/mpi/payload.h"

namespace tombolo::mpi_check {

enum class Memory { kOrdinary, kAllocMem };
enum class Shape { kOnePiece, kWithGaps };

// Not movable: requests refer to it.
class Buffer {
 public:
  // `bytes` of payload; with gaps a multiple of 8 and not 0.
  Buffer(size_t bytes, Memory memory, Shape shape);
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer();

  void* data() { return all_.data() + kGuardBytes; }
  MPI_Datatype type() const { return type_; }
  int count() const { return count_; }  // Of elements of the type.

  // Writes the payload of `origin`, which is as long as the buffer.
  void Fill(const Origin& origin);

  // Checks that it holds the payload of `origin`, which may be shorter, and nothing besides. Call
  // once.
  void Check(Checks& checks, const Origin& origin);

 private:
  std::span<std::byte> Payload() {
    return all_.subspan(kGuardBytes, all_.size() - 2 * kGuardBytes);
  }
  std::vector<std::byte> TakeOut(size_t bytes);

  static constexpr size_t kGuardBytes = 64;

  const Shape shape_;
  const Memory memory_;
  std::vector<std::byte> ordinary_;
  std::span<std::byte> all_;
  MPI_Datatype type_ = MPI_BYTE;
  int count_ = 0;
};

}  // namespace tombolo::mpi_check

// ByteQueue: bytes first in, first out, in private memory. Holds little more than what is in it,
// and nothing when it is empty. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>

#include "transport/base/units.h"

namespace tombolo {

class ByteQueue {
 public:
  static constexpr size_t kChunkBytes = 16 * kKiB;

  void Append(std::span<const std::byte> bytes);

  // The oldest bytes, as many as lie together; empty when there are none. Valid until the next
  // call.
  std::span<const std::byte> Front() const;

  // Takes `bytes` off the front, at most Front().size().
  void Consume(size_t bytes);

  void Clear();

  size_t SizeBytes() const { return size_bytes_; }
  bool IsEmpty() const { return size_bytes_ == 0; }

 private:
  std::deque<std::unique_ptr<std::byte[]>> chunks_;
  size_t front_ = 0;  // Of the first chunk, consumed.
  size_t back_ = 0;   // Of the last chunk, filled.
  size_t size_bytes_ = 0;
};

}  // namespace tombolo
